# Sourced by ci/setup: Python environments with the packages of requirements.txt and of requirements-peers.txt.
# shellcheck shell=bash disable=SC2034,SC2154

# The distribution's Python first: one from pyenv or conda comes and goes with its owner's settings.
find_base_python() {
    base_python=/usr/bin/python3
    [ -x "$base_python" ] || base_python=$(command -v python3) || base_python=
}

# environment_of REQUIREMENTS: the name holds all that decides its content, so two clones with different pins do
# not disturb each other.
environment_of() {
    local key
    key=$({ cat "$source_root/ci/$1"
        [ -z "$base_python" ] || "$base_python" -VV; } | sha256sum)
    printf '%s\n' "$prefix/venv-${key:0:12}"
}

find_python_environment() {
    find_base_python
    python_environment=$(environment_of requirements.txt)
    peers_environment=$(environment_of requirements-peers.txt)
}

environment_is_ready() { [ -e "$1/complete" ]; }
python_is_ready() { environment_is_ready "$python_environment"; }
peers_are_ready() { environment_is_ready "$peers_environment"; }

# install_environment DIRECTORY REQUIREMENTS: a virtual environment holds its own path, so it is made in place; the
# last file says that it is whole.
install_environment() {
    ! environment_is_ready "$1" || return 0
    say "Python packages into $1"
    rm -rf "$1"
    "$base_python" -m venv "$1"
    "$1/bin/python" -m pip --disable-pip-version-check install --quiet --no-user --no-deps \
        --only-binary :all: -r "$source_root/ci/$2"
    # What the requirements forget is not installed, and told here.
    quietly "$1/check.log" "$1/bin/python" -m pip --disable-pip-version-check check
    : >"$1/complete"
}

install_python() { install_environment "$python_environment" requirements.txt; }
install_peers() { install_environment "$peers_environment" requirements-peers.txt; }
