#!/bin/sh
# What pip cannot bring: a Python of 3.11 or later with venv. Installs it with apt as root, else says what to install.
set -eu
python=$1

ready() {
    command -v "$python" >/dev/null 2>&1 &&
        "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

ready && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq
    apt-get install -y -qq "$python" "$python-venv"
fi
ready && exit 0
echo "Duologue needs Python 3.11 or later with venv, as '$python'." >&2
echo "  Debian, Ubuntu:  sudo apt-get install $python $python-venv" >&2
echo "  macOS:           brew install python@3.11" >&2
echo "  elsewhere:       https://www.python.org/downloads/  (then: make PYTHON=/path/to/python setup)" >&2
exit 1
