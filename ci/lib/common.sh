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

# An account without a home has one that does not exist (/nonexistent).
home_of_user() {
    local home
    home=$(getent passwd "$(id -u)" | cut -d: -f6) || return 1
    [ -n "$home" ] && [ -d "$home" ] && [ -w "$home" ] && printf '%s\n' "$home"
}

find_prefix() {
    local cache home
    if [ -n "${RESBENCH_DEPS:-}" ]; then
        cache=$RESBENCH_DEPS
    elif [ -n "${XDG_CACHE_HOME:-}${HOME:-}" ]; then
        cache=${XDG_CACHE_HOME:-$HOME/.cache}/resbench
    elif home=$(home_of_user); then
        cache=$home/.cache/resbench
    else
        cache=$source_root/build/deps
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

# The control groups (version 2) that this process is in, from its own to the outermost.
cgroup_mount=/sys/fs/cgroup
cgroups() {
    local path
    path=$(sed -n 's/^0:://p' /proc/self/cgroup 2>/dev/null) || true
    while path=${path%/}; do
        [ ! -d "$cgroup_mount$path" ] || printf '%s\n' "$cgroup_mount$path"
        [ -n "$path" ] || return 0
        path=${path%/*}
    done
}

# nproc knows about affinity; a container is more often held back by a quota.
available_cpus() {
    local cpus group quota period
    cpus=$(nproc)
    while read -r group; do
        { [ -r "$group/cpu.max" ] && read -r quota period <"$group/cpu.max"; } || continue
        [ "$quota" != max ] || continue
        quota=$(((quota + period - 1) / period))
        cpus=$((quota < cpus ? quota : cpus))
    done < <(cgroups)
    printf '%s\n' "$((cpus > 1 ? cpus : 1))"
}

# What the machine has left, or the group if that is less; the file cache makes room when it must.
available_gigabytes() {
    local bytes group limit used cached
    bytes=$(awk '/^MemAvailable:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)
    while read -r group; do
        { [ -r "$group/memory.max" ] && read -r limit <"$group/memory.max"; } || continue
        [ "$limit" != max ] || continue
        used=$(cat "$group/memory.current")
        cached=$(awk '/^(in)?active_file / { sum += $2 } END { printf "%.0f", sum }' "$group/memory.stat")
        limit=$((limit - used + cached))
        bytes=$((limit < ${bytes:-limit} ? limit : ${bytes:-limit}))
    done < <(cgroups)
    printf '%s\n' "$((${bytes:-0} / 1073741824))"
}

# A compiler job of oneDNN takes up to 1 GB.
parallel_jobs() {
    local cpus gigabytes
    cpus=$(available_cpus)
    gigabytes=$(available_gigabytes)
    [ "$gigabytes" -ge 1 ] || gigabytes=1
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
