#!/bin/sh
# Makes the virtual environment, or brings it up to date: venv.sh PYTHON VENV [dev]
#
# A venv without its mark was left half-made and is made anew. Quiet unless it fails.
set -eu

python=$1 venv=$2 kind=${3:-run}
mark=$venv/.ready

fail() {
    echo "$*" >&2
    exit 1
}

version=$("$python" -V 2>/dev/null) ||
    fail "$python is not there: install Python 3.11 or newer, or name one: make PYTHON=python3.12 run"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed, $python is $version: make PYTHON=python3.12 run"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python has no venv module: on Debian and Ubuntu, apt install python3-venv"

if [ ! -e "$mark" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
    echo "Making $venv; this happens once and takes a minute." >&2
    "$python" -m venv --clear "$venv"
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1
install() {
    "$venv/bin/python" -m pip install --quiet --constraint constraints.txt "$@"
}

if [ "$kind" = dev ]; then
    "$venv/bin/python" -m pip install --quiet --upgrade 'pip>=25.1' # knows --group
    install --group dev
    touch "$mark-dev"
else
    install --editable .
    touch "$mark"
fi
