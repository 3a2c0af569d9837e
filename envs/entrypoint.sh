#!/bin/sh
# Runs Snakemake on the image's Snakefile, as the user who owns the working directory: files that Docker's root wrote there
# would not be theirs. (To podman without root, the person who started it is root.)
set -eu
if [ "$(id -u)" = 0 ] && [ "$(stat --format %u .)" != 0 ]; then
    exec setpriv --reuid "$(stat --format %u .)" --regid "$(stat --format %g .)" --clear-groups "$0" "$@"
fi
# a user that the image does not know has no home, where Snakemake keeps a cache, and no name, for which it asks
[ -w "${HOME:-/}" ] || export HOME=/tmp
export LOGNAME="${LOGNAME:-$(id -u)}"
exec snakemake --snakefile "$(dirname "$(dirname "$0")")/Snakefile" "$@"
