#!/bin/sh
# What pip cannot bring: a Python of 3.11 or later with venv, and a C++ compiler for the fast operations, without which all works
# but more slowly. Installs them with apt as root, else says what to install.
set -eu
python=$1

ready() {
    command -v "$python" >/dev/null 2>&1 &&
        "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}
compiles() {
    command -v g++ >/dev/null 2>&1 || command -v c++ >/dev/null 2>&1
}

ready && compiles && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq || true
    compiles || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq g++ || true
    ready || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$python" "$python-venv"
fi
if ! compiles; then
    echo "Without a C++ compiler Duologue answers more slowly; once there is one, the next start uses it." >&2
    echo "  Debian, Ubuntu:  sudo apt-get install g++" >&2
    echo "  macOS:           xcode-select --install" >&2
fi
ready && exit 0
echo "Duologue needs Python 3.11 or later with venv, as '$python'." >&2
echo "  Debian, Ubuntu:  sudo apt-get install $python $python-venv" >&2
echo "  macOS:           brew install python@3.11" >&2
echo "  elsewhere:       https://www.python.org/downloads/  (then: make PYTHON=/path/to/python setup)" >&2
exit 1
