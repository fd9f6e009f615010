# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_ca_global_optspecs
    string join \n dir= json passphrase-fd= h/help V/version
end

function __fish_ca_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_ca_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_ca_using_subcommand
    set -l cmd (__fish_ca_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c ca -n "__fish_ca_needs_command" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_needs_command" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_needs_command" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_needs_command" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_needs_command" -s V -l version -d 'Print version'
complete -c ca -n "__fish_ca_needs_command" -f -a "init" -d 'Make an authority: the CA key, the trust root key, the ledger, ca.toml'
complete -c ca -n "__fish_ca_needs_command" -f -a "vendor" -d 'Vendors: the companies whose engineers log in'
complete -c ca -n "__fish_ca_needs_command" -f -a "person" -d 'Persons: engineers of a vendor, with their public keys'
complete -c ca -n "__fish_ca_needs_command" -f -a "approver" -d 'Approvers: those of us who may approve, with their public keys'
complete -c ca -n "__fish_ca_needs_command" -f -a "host" -d 'Hosts: the machines that vendors log in to, with their roles'
complete -c ca -n "__fish_ca_needs_command" -f -a "grant" -d 'Grants: ask for access, show a grant or its exact document'
complete -c ca -n "__fish_ca_needs_command" -f -a "approve" -d 'Approve a grant by signing its exact document'
complete -c ca -n "__fish_ca_needs_command" -f -a "deny" -d 'Deny a request, for good'
complete -c ca -n "__fish_ca_needs_command" -f -a "sign" -d 'Sign a certificate of an approved grant'
complete -c ca -n "__fish_ca_needs_command" -f -a "inspect" -d 'Say in words what a certificate is, and whether a host would accept it now'
complete -c ca -n "__fish_ca_needs_command" -f -a "revoke" -d 'Revoke a grant, a certificate, a person or a vendor, for good'
complete -c ca -n "__fish_ca_needs_command" -f -a "krl" -d 'Write the key revocation list that stock sshd reads (RevokedKeys) and ssh-keygen -Q tests'
complete -c ca -n "__fish_ca_needs_command" -f -a "revoked" -d 'Write the revoked list that our module reads: grants, serials, persons, vendors'
complete -c ca -n "__fish_ca_needs_command" -f -a "list" -d 'List grants, the newest first'
complete -c ca -n "__fish_ca_needs_command" -f -a "log" -d 'Show what happened: every change and every certificate, oldest first'
complete -c ca -n "__fish_ca_needs_command" -f -a "backup" -d 'Copy the authority into another directory: keys, ledger, ca.toml'
complete -c ca -n "__fish_ca_needs_command" -f -a "check" -d 'Look the authority over: files, keys, ledger, clock, and what should have been ended'
complete -c ca -n "__fish_ca_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ca -n "__fish_ca_using_subcommand init" -l ca-key-agent -d 'The CA key is this one, and lives in the ssh-agent; only its public half is stored' -r -F
complete -c ca -n "__fish_ca_using_subcommand init" -l trust-root -d 'The trust root is this key, which is kept elsewhere; only its public half is stored' -r -F
complete -c ca -n "__fish_ca_using_subcommand init" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand init" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand init" -l no-passphrase -d 'Store the keys unencrypted'
complete -c ca -n "__fish_ca_using_subcommand init" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand vendor; and not __fish_seen_subcommand_from add list show end help" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand vendor; and not __fish_seen_subcommand_from add list show end help" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand vendor; and not __fish_seen_subcommand_from add list show end help" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand vendor; and not __fish_seen_subcommand_from add list show end help" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand vendor; and not __fish_seen_subcommand_from add list show end help" -f -a "add" -d 'Add a vendor with its last day, or move the last day of one'
complete -c ca -n "__fish_ca_using_subcommand vendor; and not __fish_seen_subcommand_from add list show end help" -f -a "list" -d 'List the vendors'
complete -c ca -n "__fish_ca_using_subcommand vendor; and not __fish_seen_subcommand_from add list show end help" -f -a "show" -d 'Show a vendor and its persons'
complete -c ca -n "__fish_ca_using_subcommand vendor; and not __fish_seen_subcommand_from add list show end help" -f -a "end" -d 'End a vendor now and for good, with all its persons'
complete -c ca -n "__fish_ca_using_subcommand vendor; and not __fish_seen_subcommand_from add list show end help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from add" -l until -d 'The last day on which the vendor may have access; the whole day counts, in UTC' -r
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from add" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from add" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from add" -l existing -d 'The vendor exists: move its last day'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from add" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from list" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from list" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from show" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from show" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from show" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from end" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from end" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from end" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from end" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a vendor with its last day, or move the last day of one'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the vendors'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a vendor and its persons'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from help" -f -a "end" -d 'End a vendor now and for good, with all its persons'
complete -c ca -n "__fish_ca_using_subcommand vendor; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ca -n "__fish_ca_using_subcommand person; and not __fish_seen_subcommand_from add list show end help" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand person; and not __fish_seen_subcommand_from add list show end help" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand person; and not __fish_seen_subcommand_from add list show end help" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand person; and not __fish_seen_subcommand_from add list show end help" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand person; and not __fish_seen_subcommand_from add list show end help" -f -a "add" -d 'Add a person with public keys, or enrol more keys of one'
complete -c ca -n "__fish_ca_using_subcommand person; and not __fish_seen_subcommand_from add list show end help" -f -a "list" -d 'List the persons'
complete -c ca -n "__fish_ca_using_subcommand person; and not __fish_seen_subcommand_from add list show end help" -f -a "show" -d 'Show a person and the keys'
complete -c ca -n "__fish_ca_using_subcommand person; and not __fish_seen_subcommand_from add list show end help" -f -a "end" -d 'End a person, or one key of a person, now and for good'
complete -c ca -n "__fish_ca_using_subcommand person; and not __fish_seen_subcommand_from add list show end help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from add" -l key -d 'A public key file of the person; can stand more than once' -r -F
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from add" -l email -d 'Where to reach the person' -r
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from add" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from add" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from add" -l existing -d 'The person exists: enrol these keys as well'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from add" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from list" -l vendor -d 'Only those of this vendor' -r
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from list" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from list" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from show" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from show" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from show" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from end" -l key -d 'Only this key' -r -F
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from end" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from end" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from end" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from end" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a person with public keys, or enrol more keys of one'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the persons'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a person and the keys'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from help" -f -a "end" -d 'End a person, or one key of a person, now and for good'
complete -c ca -n "__fish_ca_using_subcommand person; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ca -n "__fish_ca_using_subcommand approver; and not __fish_seen_subcommand_from add list end export help" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand approver; and not __fish_seen_subcommand_from add list end export help" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand approver; and not __fish_seen_subcommand_from add list end export help" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand approver; and not __fish_seen_subcommand_from add list end export help" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand approver; and not __fish_seen_subcommand_from add list end export help" -f -a "add" -d 'Add an approver with public keys, or enrol more keys of one'
complete -c ca -n "__fish_ca_using_subcommand approver; and not __fish_seen_subcommand_from add list end export help" -f -a "list" -d 'List the approvers'
complete -c ca -n "__fish_ca_using_subcommand approver; and not __fish_seen_subcommand_from add list end export help" -f -a "end" -d 'End an approver, or one key of an approver, now and for good'
complete -c ca -n "__fish_ca_using_subcommand approver; and not __fish_seen_subcommand_from add list end export help" -f -a "export" -d 'Write the approvers file for hosts: allowed_signers lines, as ssh-keygen -Y verify reads them'
complete -c ca -n "__fish_ca_using_subcommand approver; and not __fish_seen_subcommand_from add list end export help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from add" -l key -d 'A public key file of the approver; can stand more than once' -r -F
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from add" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from add" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from add" -l existing -d 'The approver exists: enrol these keys as well'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from add" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from list" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from list" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from end" -l key -d 'Only this key' -r -F
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from end" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from end" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from end" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from end" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from export" -s o -l output -d 'Where to write it; - is standard output' -r -F
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from export" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from export" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from export" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add an approver with public keys, or enrol more keys of one'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the approvers'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from help" -f -a "end" -d 'End an approver, or one key of an approver, now and for good'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write the approvers file for hosts: allowed_signers lines, as ssh-keygen -Y verify reads them'
complete -c ca -n "__fish_ca_using_subcommand approver; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ca -n "__fish_ca_using_subcommand host; and not __fish_seen_subcommand_from add list end bundle help" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand host; and not __fish_seen_subcommand_from add list end bundle help" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand host; and not __fish_seen_subcommand_from add list end bundle help" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand host; and not __fish_seen_subcommand_from add list end bundle help" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand host; and not __fish_seen_subcommand_from add list end bundle help" -f -a "add" -d 'Add a host with its roles, or give one exactly these roles'
complete -c ca -n "__fish_ca_using_subcommand host; and not __fish_seen_subcommand_from add list end bundle help" -f -a "list" -d 'List the hosts, with the last bundle that was made for each and whether it says what the ledger says now'
complete -c ca -n "__fish_ca_using_subcommand host; and not __fish_seen_subcommand_from add list end bundle help" -f -a "end" -d 'End a host: no new grant can name it'
complete -c ca -n "__fish_ca_using_subcommand host; and not __fish_seen_subcommand_from add list end bundle help" -f -a "bundle" -d 'Make the trust bundle of a host: CA keys, approvers, revocations, its name and roles, signed by the trust root'
complete -c ca -n "__fish_ca_using_subcommand host; and not __fish_seen_subcommand_from add list end bundle help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from add" -l role -d 'A role of the host; can stand more than once' -r
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from add" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from add" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from add" -l existing -d 'The host exists: its roles are exactly these'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from add" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from list" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from list" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from end" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from end" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from end" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from end" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from bundle" -s o -l output -d 'Where to write it; - is standard output' -r -F
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from bundle" -l key -d 'Sign with the trust root in this private key file' -r -F
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from bundle" -l signature -d 'Take this signature over --text, made with ssh-keygen -Y sign -n trust@pam-jit' -r -F
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from bundle" -l text -d 'The text that --unsigned wrote, for --signature' -r -F
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from bundle" -l above -d 'The host has applied this version already, of a ledger that is lost: make a higher one' -r
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from bundle" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from bundle" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from bundle" -l agent -d 'Sign with the trust root in the ssh-agent'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from bundle" -l unsigned -d 'Write the text alone, to be signed elsewhere'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from bundle" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from bundle" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a host with its roles, or give one exactly these roles'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the hosts, with the last bundle that was made for each and whether it says what the ledger says now'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "end" -d 'End a host: no new grant can name it'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "bundle" -d 'Make the trust bundle of a host: CA keys, approvers, revocations, its name and roles, signed by the trust root'
complete -c ca -n "__fish_ca_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ca -n "__fish_ca_using_subcommand grant; and not __fish_seen_subcommand_from create show help" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand grant; and not __fish_seen_subcommand_from create show help" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and not __fish_seen_subcommand_from create show help" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand grant; and not __fish_seen_subcommand_from create show help" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand grant; and not __fish_seen_subcommand_from create show help" -f -a "create" -d 'Ask for access: writes a request that approvers sign'
complete -c ca -n "__fish_ca_using_subcommand grant; and not __fish_seen_subcommand_from create show help" -f -a "show" -d 'Show a grant, its approvals and its newest certificates'
complete -c ca -n "__fish_ca_using_subcommand grant; and not __fish_seen_subcommand_from create show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l person -d 'Who, written vendor/name' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l host -d 'On this host; can stand more than once' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l role -d 'On every host with this role; can stand more than once' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l account -d 'As this Unix account; can stand more than once' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l for -d 'For how long, for example 30m or 1h30m' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l opens -d 'From when; now unless given' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l from -d 'Only from this network; can stand more than once; from anywhere unless given' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l allow -d 'What else than commands: pty, sftp, forward=HOST:PORT, agent, sudo, joined by commas' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l uses -d 'At most so many logins' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l sessions -d 'At most so many sessions at a time' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l extendable-to -d 'The window may be extended up to this time' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l reason -d 'Why, in one line' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l ticket -d 'The tracker\'s number' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l approvals -d 'How many approvers must sign; ca.toml says how many unless given' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from show" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from show" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from show" -l document -d 'Print the exact document, and nothing else'
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from show" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from help" -f -a "create" -d 'Ask for access: writes a request that approvers sign'
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a grant, its approvals and its newest certificates'
complete -c ca -n "__fish_ca_using_subcommand grant; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ca -n "__fish_ca_using_subcommand approve" -l as -d 'The approver who signs' -r
complete -c ca -n "__fish_ca_using_subcommand approve" -l key -d 'Sign with this private key file' -r -F
complete -c ca -n "__fish_ca_using_subcommand approve" -l signature -d 'Take this signature, made with ssh-keygen -Y sign -n grant@pam-jit' -r -F
complete -c ca -n "__fish_ca_using_subcommand approve" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand approve" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand approve" -l agent -d 'Sign with the approver\'s key in the ssh-agent'
complete -c ca -n "__fish_ca_using_subcommand approve" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand approve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand deny" -l as -d 'The approver who denies' -r
complete -c ca -n "__fish_ca_using_subcommand deny" -l reason -d 'Why, in one line' -r
complete -c ca -n "__fish_ca_using_subcommand deny" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand deny" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand deny" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand deny" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand sign" -l key -d 'The person\'s public key; can be left out when the grant is for one key only' -r -F
complete -c ca -n "__fish_ca_using_subcommand sign" -s o -l output -d 'Where to write the certificate; - is standard output' -r -F
complete -c ca -n "__fish_ca_using_subcommand sign" -l lifetime -d 'Life of the certificate, at most 1h; ca.toml says how long unless given' -r
complete -c ca -n "__fish_ca_using_subcommand sign" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand sign" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand sign" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand sign" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand inspect" -l host -d 'As if at this host; the first host of the grant unless given' -r
complete -c ca -n "__fish_ca_using_subcommand inspect" -l account -d 'As if logging in to this account; the first account of the grant unless given' -r
complete -c ca -n "__fish_ca_using_subcommand inspect" -l from -d 'As if coming from this address; one that the grant allows unless given' -r
complete -c ca -n "__fish_ca_using_subcommand inspect" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand inspect" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand inspect" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand revoke" -l serial -d 'Only the certificate with this serial' -r
complete -c ca -n "__fish_ca_using_subcommand revoke" -l person -d 'This person, with all grants' -r
complete -c ca -n "__fish_ca_using_subcommand revoke" -l vendor -d 'This vendor, with all persons' -r
complete -c ca -n "__fish_ca_using_subcommand revoke" -l reason -d 'Why, in one line' -r
complete -c ca -n "__fish_ca_using_subcommand revoke" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand revoke" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand revoke" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand krl" -s o -l output -d 'Where to write it; - is standard output' -r -F
complete -c ca -n "__fish_ca_using_subcommand krl" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand krl" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand krl" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand krl" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand revoked" -s o -l output -d 'Where to write it; - is standard output' -r -F
complete -c ca -n "__fish_ca_using_subcommand revoked" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand revoked" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand revoked" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand revoked" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand list" -l vendor -d 'Only those of this vendor' -r
complete -c ca -n "__fish_ca_using_subcommand list" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand list" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand list" -l pending -d 'Only requests that wait for approvals'
complete -c ca -n "__fish_ca_using_subcommand list" -l open -d 'Only approved grants inside their window'
complete -c ca -n "__fish_ca_using_subcommand list" -l closed -d 'Only grants whose window is over, also those that were never approved'
complete -c ca -n "__fish_ca_using_subcommand list" -l revoked -d 'Only revoked grants'
complete -c ca -n "__fish_ca_using_subcommand list" -l all -d 'All of them, however many'
complete -c ca -n "__fish_ca_using_subcommand list" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand list" -s h -l help -d 'Print help'
complete -c ca -n "__fish_ca_using_subcommand log" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand log" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand log" -s f -l follow -d 'Wait for new events and show them'
complete -c ca -n "__fish_ca_using_subcommand log" -l all -d 'All of them, however many'
complete -c ca -n "__fish_ca_using_subcommand log" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand backup" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand backup" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand backup" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand check" -l dir -d 'The authority\'s directory' -r -F
complete -c ca -n "__fish_ca_using_subcommand check" -l passphrase-fd -d 'Read the passphrase from this file descriptor, up to the end of its first line' -r
complete -c ca -n "__fish_ca_using_subcommand check" -l json -d 'Print JSON, with times in UTC'
complete -c ca -n "__fish_ca_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "init" -d 'Make an authority: the CA key, the trust root key, the ledger, ca.toml'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "vendor" -d 'Vendors: the companies whose engineers log in'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "person" -d 'Persons: engineers of a vendor, with their public keys'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "approver" -d 'Approvers: those of us who may approve, with their public keys'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "host" -d 'Hosts: the machines that vendors log in to, with their roles'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "grant" -d 'Grants: ask for access, show a grant or its exact document'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "approve" -d 'Approve a grant by signing its exact document'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "deny" -d 'Deny a request, for good'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "sign" -d 'Sign a certificate of an approved grant'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "inspect" -d 'Say in words what a certificate is, and whether a host would accept it now'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "revoke" -d 'Revoke a grant, a certificate, a person or a vendor, for good'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "krl" -d 'Write the key revocation list that stock sshd reads (RevokedKeys) and ssh-keygen -Q tests'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "revoked" -d 'Write the revoked list that our module reads: grants, serials, persons, vendors'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "list" -d 'List grants, the newest first'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "log" -d 'Show what happened: every change and every certificate, oldest first'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "backup" -d 'Copy the authority into another directory: keys, ledger, ca.toml'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "check" -d 'Look the authority over: files, keys, ledger, clock, and what should have been ended'
complete -c ca -n "__fish_ca_using_subcommand help; and not __fish_seen_subcommand_from init vendor person approver host grant approve deny sign inspect revoke krl revoked list log backup check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from vendor" -f -a "add" -d 'Add a vendor with its last day, or move the last day of one'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from vendor" -f -a "list" -d 'List the vendors'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from vendor" -f -a "show" -d 'Show a vendor and its persons'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from vendor" -f -a "end" -d 'End a vendor now and for good, with all its persons'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from person" -f -a "add" -d 'Add a person with public keys, or enrol more keys of one'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from person" -f -a "list" -d 'List the persons'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from person" -f -a "show" -d 'Show a person and the keys'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from person" -f -a "end" -d 'End a person, or one key of a person, now and for good'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from approver" -f -a "add" -d 'Add an approver with public keys, or enrol more keys of one'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from approver" -f -a "list" -d 'List the approvers'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from approver" -f -a "end" -d 'End an approver, or one key of an approver, now and for good'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from approver" -f -a "export" -d 'Write the approvers file for hosts: allowed_signers lines, as ssh-keygen -Y verify reads them'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from host" -f -a "add" -d 'Add a host with its roles, or give one exactly these roles'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from host" -f -a "list" -d 'List the hosts, with the last bundle that was made for each and whether it says what the ledger says now'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from host" -f -a "end" -d 'End a host: no new grant can name it'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from host" -f -a "bundle" -d 'Make the trust bundle of a host: CA keys, approvers, revocations, its name and roles, signed by the trust root'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from grant" -f -a "create" -d 'Ask for access: writes a request that approvers sign'
complete -c ca -n "__fish_ca_using_subcommand help; and __fish_seen_subcommand_from grant" -f -a "show" -d 'Show a grant, its approvals and its newest certificates'
