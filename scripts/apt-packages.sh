# shellcheck shell=bash
# Sourced by the install-*-needs scripts: Debian packages, installed without questions and without opening a door.
#
# install_packages NAME...   installs what is missing; asks the network nothing when nothing is.
#
# A server that comes with a package (openssh-server, rsyslog, auditd) is neither started nor enabled, unless it was on the
# machine before: policy-rc.d says no for the duration, and the service is disabled afterwards.

POLICY=/usr/sbin/policy-rc.d
POLICY_ASIDE=/usr/sbin/policy-rc.d.before-pam-jit
POLICY_MARK='# written by pam_jit/scripts/apt-packages.sh for the duration of one installation'

say() { printf '%s: %s\n' "${0##*/}" "$*"; }

fail() {
    printf 'error: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
    exit 1
}

is_installed() {
    [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The service that a package would start.
service_of() {
    case $1 in
        openssh-server) echo ssh ;;
        rsyslog) echo rsyslog ;;
        auditd) echo auditd ;;
    esac
}

forbid_service_starts() {
    # A leftover of ours, from a run that was killed, is not the machine's own policy.
    if [ -e "$POLICY" ] && ! grep -qsF "$POLICY_MARK" "$POLICY"; then
        mv "$POLICY" "$POLICY_ASIDE"
    fi
    trap restore_service_policy EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" >"$POLICY"
    chmod 755 "$POLICY"
}

restore_service_policy() {
    if [ -e "$POLICY_ASIDE" ]; then
        mv "$POLICY_ASIDE" "$POLICY"
    elif grep -qsF "$POLICY_MARK" "$POLICY"; then
        rm -f "$POLICY"
    fi
}

# For systemd and for the old init scripts, whether either runs here or not: both helpers are essential packages. The
# first one works only when it is told which package it acts for.
disable_service() {
    DPKG_MAINTSCRIPT_PACKAGE=$1 deb-systemd-helper --quiet disable "$1.service"
    [ ! -e "/etc/init.d/$1" ] || update-rc.d "$1" disable
}

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

install_packages() {
    local name service missing=() new_services=()
    command -v dpkg-query >/dev/null || fail "this is not a Debian system: no dpkg-query" "install by hand: $*"
    for name in "$@"; do
        is_installed "$name" || missing+=("$name")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "already installed: $*"
        return
    fi
    [ "$(id -u)" = 0 ] || fail "missing packages: ${missing[*]}" "run as root, or: apt-get install ${missing[*]}"

    say "installing: ${missing[*]}"
    for name in "${missing[@]}"; do
        service=$(service_of "$name")
        [ -z "$service" ] || new_services+=("$service")
    done
    apt update || fail "apt-get update failed" "see the lines above; the machine needs its Debian mirror for this step"
    forbid_service_starts
    # --no-remove: rather stop than take away a package that somebody installed.
    apt install -y --no-install-recommends --no-remove "${missing[@]}" ||
        fail "apt-get could not install: ${missing[*]}" "see the lines above"
    for service in "${new_services[@]}"; do
        disable_service "$service"
        say "$service: installed, not started, not enabled"
    done
    restore_service_policy
    trap - EXIT INT TERM
}
