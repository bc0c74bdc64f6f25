# Shared by ./quickstart and ./runtests: what they need of the machine. Sourced, never run.
# shellcheck shell=bash

# paint CODE DESCRIPTOR TEXT: coloured on a terminal, plain everywhere else.
paint() {
    if [ -t "$2" ] && [ -z "${NO_COLOR:-}" ]; then
        printf '\n\033[%sm%s\033[0m\n' "$1" "$3" >&"$2"
    else
        printf '\n%s\n' "$3" >&"$2"
    fi
}

step() { paint 1 2 "== $*"; }

fail() {
    printf '\nerror: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf '       %s\n' "$2" >&2
    exit 1
}

require_root() {
    [ "$(id -u)" -eq 0 ] || fail "root is needed. $1" "Run it again as: sudo $0"
}

# Print the first interpreter that is new enough and can make a virtual environment.
find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

# Install those of the named packages that are missing. Services that a package would start are not
# started: the tests run what they need themselves, on roots of their own.
install_debian_packages() {
    local missing=() name policy=/usr/sbin/policy-rc.d made_policy=no status=0
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "these packages are missing and there is no apt-get: ${missing[*]}"
    step "Installing Debian packages: ${missing[*]}"
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made_policy=yes
    fi
    {
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
    } >&2 || status=$?
    [ "$made_policy" = no ] || rm -f "$policy"
    [ "$status" -eq 0 ] || fail "apt-get could not install: ${missing[*]}"
}

# make_environment [group]: .venv with the package in editable form, and a dependency group if named.
make_environment() {
    local python
    if ! python=$(find_python); then
        install_debian_packages python3-venv
        python=$(find_python) || fail "Python 3.11 or newer with the venv module is needed."
    fi
    if [ ! -x .venv/bin/python ]; then
        step "Making .venv with $python"
        "$python" -m venv .venv
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
    step "Installing wherry into .venv"
    if [ $# -gt 0 ]; then
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable . --group "$1"
    else
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable .
    fi
}
