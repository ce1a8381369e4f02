# Sourced by ci/setup: a Python environment with the packages of requirements.txt.
# shellcheck shell=bash disable=SC2034,SC2154

# The distribution's Python first: one from pyenv or conda comes and goes with its owner's settings.
find_base_python() {
    base_python=/usr/bin/python3
    [ -x "$base_python" ] || base_python=$(command -v python3) || base_python=
}

# The name holds all that decides its content, so two clones with different pins do not disturb each other.
find_python_environment() {
    local key
    find_base_python
    key=$({ cat "$source_root/ci/requirements.txt"
        [ -z "$base_python" ] || "$base_python" -VV; } | sha256sum)
    python_environment=$prefix/venv-${key:0:12}
}

python_is_ready() { [ -e "$python_environment/complete" ]; }

# A virtual environment holds its own path, so it is made in place; the last file says that it is whole.
install_python() {
    python_is_ready && return 0
    say "Python packages into $python_environment"
    rm -rf "$python_environment"
    "$base_python" -m venv "$python_environment"
    "$python_environment/bin/python" -m pip --disable-pip-version-check install --quiet --no-user --no-deps \
        --only-binary :all: -r "$source_root/ci/requirements.txt"
    # What requirements.txt forgets is not installed, and told here.
    quietly "$python_environment/check.log" "$python_environment/bin/python" -m pip --disable-pip-version-check check
    : >"$python_environment/complete"
}
