# Sourced by the scripts in ci/: messages, and where the dependencies live.
# shellcheck shell=bash disable=SC2034,SC2154

script_name=ci/${0##*/}
source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s: %s\n' "$script_name" "$*" >&2; }
die() { say "$*"; exit 1; }

# usage_from_header FILE: the comment block under FILE's first line is its --help.
usage_from_header() { sed -n '2,/^$/ s/^# \{0,1\}//p' "$1"; }

# The builds are good for one distribution release and architecture only, and a home directory may be
# shared between several.
platform_name() {
    local ID=unknown VERSION_ID='' VERSION_CODENAME=''
    # shellcheck disable=SC1091
    [ ! -r /etc/os-release ] || . /etc/os-release
    printf '%s-%s-%s\n' "$ID" "${VERSION_ID:-${VERSION_CODENAME:-rolling}}" "$(uname -m)"
}

find_prefix() {
    local cache
    if [ -n "${RESBENCH_DEPS:-}" ]; then
        cache=$RESBENCH_DEPS
    elif [ -n "${XDG_CACHE_HOME:-}${HOME:-}" ]; then
        cache=${XDG_CACHE_HOME:-$HOME/.cache}/resbench
    else
        die 'neither HOME nor XDG_CACHE_HOME is set: set RESBENCH_DEPS to a directory for the dependencies'
    fi
    case $cache in
        /*) ;;
        *) cache=$PWD/$cache ;;
    esac
    prefix=$cache/$(platform_name)
}

create_prefix() {
    mkdir -p "$prefix" 2>/dev/null || true
    [ -w "$prefix" ] || die "cannot write to $prefix: set RESBENCH_DEPS to a directory that you can write to"
}

# A compiler job of oneDNN takes up to 1 GB.
parallel_jobs() {
    local cpus gigabytes
    cpus=$(nproc)
    gigabytes=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
    [ "${gigabytes:-1}" -ge 1 ] || gigabytes=1
    printf '%s\n' "$((cpus < gigabytes ? cpus : gigabytes))"
}

# quietly LOG COMMAND...: the log is shown only when the command fails.
quietly() {
    local log=$1
    shift
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        say "this failed: $*"
        return 1
    fi
}

# A sanitizer or tuning flag in the caller's environment must not end up in the shared dependencies.
with_default_compiler() {
    env -u CC -u CXX -u CFLAGS -u CXXFLAGS -u CPPFLAGS -u LDFLAGS "$@"
}
