# shellcheck shell=bash
# Sourced by what builds packages: SOURCE_DATE_EPOCH, the time that everything in a package carries. It is that of the last
# commit; in an export without a history the builder sets it.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
fi
export SOURCE_DATE_EPOCH
