# shellcheck shell=bash
# Sourced by what builds packages: SOURCE_DATE_EPOCH, the time that everything in a package carries. It is that of the last
# commit; where there is no history, that of Cargo.lock.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat --format=%Y Cargo.lock)
fi
export SOURCE_DATE_EPOCH
