#!/bin/sh
# System packages: installs them with apt as root, else says what to install.  packages.sh WHAT-NEEDS-THEM PACKAGE...
set -eu
needs=$1; shift

command -v dpkg >/dev/null 2>&1 && dpkg -s "$@" >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"
    exit 0
fi
echo "$needs: $*" >&2
echo "  Debian, Ubuntu:  sudo apt-get install $*" >&2
exit 1
