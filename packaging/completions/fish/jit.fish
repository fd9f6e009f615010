# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_jit_global_optspecs
    string join \n config= h/help V/version
end

function __fish_jit_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_jit_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_jit_using_subcommand
    set -l cmd (__fish_jit_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c jit -n "__fish_jit_needs_command" -l config -d 'The host configuration' -r -F
complete -c jit -n "__fish_jit_needs_command" -s h -l help -d 'Print help'
complete -c jit -n "__fish_jit_needs_command" -s V -l version -d 'Print version'
complete -c jit -n "__fish_jit_needs_command" -f -a "principals" -d 'List the principals of an account, for sshd\'s AuthorizedPrincipalsCommand'
complete -c jit -n "__fish_jit_needs_command" -f -a "try" -d 'Say whether a certificate would be let in, without logging in'
complete -c jit -n "__fish_jit_needs_command" -f -a "check" -d 'Look at every door that a vendor must not have, and name the open ones'
complete -c jit -n "__fish_jit_needs_command" -f -a "setup" -d 'Make this a host that vendors log in to with grants only; can\'t lock an administrator out'
complete -c jit -n "__fish_jit_needs_command" -f -a "recorder" -d 'Record every session of a vendor and end it in time; runs until it is stopped'
complete -c jit -n "__fish_jit_needs_command" -f -a "sweep" -d 'End what should be over and repair what a crash left'
complete -c jit -n "__fish_jit_needs_command" -f -a "sessions" -d 'List the open sessions'
complete -c jit -n "__fish_jit_needs_command" -f -a "show" -d 'Show a session\'s records: who, why it ended, and each command'
complete -c jit -n "__fish_jit_needs_command" -f -a "end" -d 'End sessions now, with all their processes; returns when the kernel says that they are over'
complete -c jit -n "__fish_jit_needs_command" -f -a "extend" -d 'Let a session go on under the certificate of a new grant of the same scope'
complete -c jit -n "__fish_jit_needs_command" -f -a "trust" -d 'Believe a trust bundle: CA keys, approvers, revocations, this host\'s name and roles'
complete -c jit -n "__fish_jit_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jit -n "__fish_jit_using_subcommand principals" -l pam-service -d 'sshd\'s PAM service, which must bring vendors to the module [default: sshd]' -r
complete -c jit -n "__fish_jit_using_subcommand principals" -l config -d 'The host configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand principals" -l explain -d 'Say on standard error why nothing is printed'
complete -c jit -n "__fish_jit_using_subcommand principals" -s h -l help -d 'Print help'
complete -c jit -n "__fish_jit_using_subcommand try" -l account -d 'The account to log in to' -r
complete -c jit -n "__fish_jit_using_subcommand try" -l from -d 'The address that the login comes from' -r
complete -c jit -n "__fish_jit_using_subcommand try" -l at -d 'The time of the login, in UTC like 2026-11-24T14:00:00Z [default: now]' -r
complete -c jit -n "__fish_jit_using_subcommand try" -l config -d 'The host configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand try" -l json -d 'Print JSON'
complete -c jit -n "__fish_jit_using_subcommand try" -s h -l help -d 'Print help'
complete -c jit -n "__fish_jit_using_subcommand check" -l sshd -d 'The sshd that vendors reach' -r -F
complete -c jit -n "__fish_jit_using_subcommand check" -l sshd-config -d 'Its configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand check" -l pam-dir -d 'The directory of PAM services' -r -F
complete -c jit -n "__fish_jit_using_subcommand check" -l config -d 'The host configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand check" -l json -d 'Print JSON'
complete -c jit -n "__fish_jit_using_subcommand check" -s h -l help -d 'Print help'
complete -c jit -n "__fish_jit_using_subcommand setup" -l host -d 'This host\'s name in grants, for a new host.toml [default: what the system is called]' -r
complete -c jit -n "__fish_jit_using_subcommand setup" -l authority -d 'The trust root\'s fingerprint, as `ca init` prints it, for a new host.toml' -r
complete -c jit -n "__fish_jit_using_subcommand setup" -l admin -d 'The account whose trial login must get in' -r
complete -c jit -n "__fish_jit_using_subcommand setup" -l wait -d 'Seconds in which the change must be confirmed' -r
complete -c jit -n "__fish_jit_using_subcommand setup" -l sshd -d 'The sshd that vendors reach' -r -F
complete -c jit -n "__fish_jit_using_subcommand setup" -l sshd-config -d 'Its configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand setup" -l sshd-pid -d 'Its listening process, where neither systemd nor its PidFile knows it' -r
complete -c jit -n "__fish_jit_using_subcommand setup" -l change -d 'Only this change: what the timer says' -r
complete -c jit -n "__fish_jit_using_subcommand setup" -l after -d 'Only then: what the child without systemd says' -r
complete -c jit -n "__fish_jit_using_subcommand setup" -l config -d 'The host configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand setup" -l dry-run -d 'Print the diff of everything that would change; change nothing'
complete -c jit -n "__fish_jit_using_subcommand setup" -l yes -d 'Keep the change when the trial logins pass, without asking'
complete -c jit -n "__fish_jit_using_subcommand setup" -l confirm -d 'Keep the change that waits for it'
complete -c jit -n "__fish_jit_using_subcommand setup" -l restore -d 'Take the change that waits for it back now'
complete -c jit -n "__fish_jit_using_subcommand setup" -l remove -d 'Take everything out again; /etc/jit stays'
complete -c jit -n "__fish_jit_using_subcommand setup" -l purge -d 'With --remove: delete the files of /etc/jit too'
complete -c jit -n "__fish_jit_using_subcommand setup" -s h -l help -d 'Print help'
complete -c jit -n "__fish_jit_using_subcommand recorder" -l config -d 'The host configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand recorder" -l wanted -d 'Only say whether this host wants one: exit status 1 if host.toml is sound and has no table [recorder]'
complete -c jit -n "__fish_jit_using_subcommand recorder" -s h -l help -d 'Print help'
complete -c jit -n "__fish_jit_using_subcommand sweep" -l every -d 'Sweep again and again, this far apart, like 30s' -r
complete -c jit -n "__fish_jit_using_subcommand sweep" -l config -d 'The host configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand sweep" -s h -l help -d 'Print help'
complete -c jit -n "__fish_jit_using_subcommand sessions" -l config -d 'The host configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand sessions" -l json -d 'Print JSON'
complete -c jit -n "__fish_jit_using_subcommand sessions" -l watch -d 'Show it again every second until interrupted'
complete -c jit -n "__fish_jit_using_subcommand sessions" -s h -l help -d 'Print help'
complete -c jit -n "__fish_jit_using_subcommand show" -l config -d 'The host configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand show" -l json -d 'Print the records as they are, one a line'
complete -c jit -n "__fish_jit_using_subcommand show" -s h -l help -d 'Print help'
complete -c jit -n "__fish_jit_using_subcommand end" -l grant -d 'All sessions of a grant' -r
complete -c jit -n "__fish_jit_using_subcommand end" -l person -d 'All sessions of a person' -r
complete -c jit -n "__fish_jit_using_subcommand end" -l vendor -d 'All sessions of a vendor' -r
complete -c jit -n "__fish_jit_using_subcommand end" -l reason -d 'Why: recorded, and told to the person' -r
complete -c jit -n "__fish_jit_using_subcommand end" -l config -d 'The host configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand end" -l all -d 'Every open session'
complete -c jit -n "__fish_jit_using_subcommand end" -s h -l help -d 'Print help'
complete -c jit -n "__fish_jit_using_subcommand extend" -l cert -d 'The new grant\'s certificate' -r -F
complete -c jit -n "__fish_jit_using_subcommand extend" -l config -d 'The host configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand extend" -s h -l help -d 'Print help'
complete -c jit -n "__fish_jit_using_subcommand trust" -l root -d 'The trust root that the bundle must be signed by; on first use it is pinned' -r
complete -c jit -n "__fish_jit_using_subcommand trust" -l drop -d 'Apply every *.bundle in this folder, as jit-trust.service does; refused ones become *.refused, and those made in the future *.early, which later runs try again' -r -F
complete -c jit -n "__fish_jit_using_subcommand trust" -l config -d 'The host configuration' -r -F
complete -c jit -n "__fish_jit_using_subcommand trust" -l yes -d 'On a terminal: do not ask whether to apply it (the root of a first use is asked for all the same)'
complete -c jit -n "__fish_jit_using_subcommand trust" -l dry-run -d 'Say what it would change, and change nothing'
complete -c jit -n "__fish_jit_using_subcommand trust" -l json -d 'Print JSON'
complete -c jit -n "__fish_jit_using_subcommand trust" -s h -l help -d 'Print help'
complete -c jit -n "__fish_jit_using_subcommand help; and not __fish_seen_subcommand_from principals try check setup recorder sweep sessions show end extend trust help" -f -a "principals" -d 'List the principals of an account, for sshd\'s AuthorizedPrincipalsCommand'
complete -c jit -n "__fish_jit_using_subcommand help; and not __fish_seen_subcommand_from principals try check setup recorder sweep sessions show end extend trust help" -f -a "try" -d 'Say whether a certificate would be let in, without logging in'
complete -c jit -n "__fish_jit_using_subcommand help; and not __fish_seen_subcommand_from principals try check setup recorder sweep sessions show end extend trust help" -f -a "check" -d 'Look at every door that a vendor must not have, and name the open ones'
complete -c jit -n "__fish_jit_using_subcommand help; and not __fish_seen_subcommand_from principals try check setup recorder sweep sessions show end extend trust help" -f -a "setup" -d 'Make this a host that vendors log in to with grants only; can\'t lock an administrator out'
complete -c jit -n "__fish_jit_using_subcommand help; and not __fish_seen_subcommand_from principals try check setup recorder sweep sessions show end extend trust help" -f -a "recorder" -d 'Record every session of a vendor and end it in time; runs until it is stopped'
complete -c jit -n "__fish_jit_using_subcommand help; and not __fish_seen_subcommand_from principals try check setup recorder sweep sessions show end extend trust help" -f -a "sweep" -d 'End what should be over and repair what a crash left'
complete -c jit -n "__fish_jit_using_subcommand help; and not __fish_seen_subcommand_from principals try check setup recorder sweep sessions show end extend trust help" -f -a "sessions" -d 'List the open sessions'
complete -c jit -n "__fish_jit_using_subcommand help; and not __fish_seen_subcommand_from principals try check setup recorder sweep sessions show end extend trust help" -f -a "show" -d 'Show a session\'s records: who, why it ended, and each command'
complete -c jit -n "__fish_jit_using_subcommand help; and not __fish_seen_subcommand_from principals try check setup recorder sweep sessions show end extend trust help" -f -a "end" -d 'End sessions now, with all their processes; returns when the kernel says that they are over'
complete -c jit -n "__fish_jit_using_subcommand help; and not __fish_seen_subcommand_from principals try check setup recorder sweep sessions show end extend trust help" -f -a "extend" -d 'Let a session go on under the certificate of a new grant of the same scope'
complete -c jit -n "__fish_jit_using_subcommand help; and not __fish_seen_subcommand_from principals try check setup recorder sweep sessions show end extend trust help" -f -a "trust" -d 'Believe a trust bundle: CA keys, approvers, revocations, this host\'s name and roles'
complete -c jit -n "__fish_jit_using_subcommand help; and not __fish_seen_subcommand_from principals try check setup recorder sweep sessions show end extend trust help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
