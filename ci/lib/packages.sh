# Sourced by ci/setup: packages of the distribution.
# shellcheck shell=bash disable=SC2034,SC2154

base_packages=(build-essential cmake ninja-build pkg-config python3 python3-venv
    libhdf5-dev libjansson-dev libssl-dev libhwloc-dev libjpeg-dev libpng-dev zlib1g-dev libcmocka-dev
    libopenblas-dev) # the last for an example of a plug-in, which a test builds
ci_packages=(clang libomp-dev git valgrind)
# libFuzzer and the sanitizers of clang; Ubuntu 22.04 has them within what clang depends on.
case $(. /etc/os-release && printf '%s-%s' "$ID" "${VERSION_ID:-}") in
    ubuntu-22.04) ;;
    *) ci_packages+=(libclang-rt-dev) ;;
esac

# missing_packages NAME...: those neither installed nor provided by an installed package.
missing_packages() {
    # shellcheck disable=SC2016
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' |
        awk -v wanted="$*" '
            $1 == "installed" {
                gsub(/\([^)]*\)|,/, " ")
                for (i = 2; i <= NF; i++) have[$i] = 1
            }
            END {
                count = split(wanted, names, " ")
                for (i = 1; i <= count; i++) if (!(names[i] in have)) print names[i]
            }'
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

can_become_root() {
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null || { command -v sudo >/dev/null && [ -t 0 ]; }
}

package_lists_are_fresh=no
refresh_package_lists() {
    [ "$package_lists_are_fresh" = no ] || return 0
    say 'apt-get update'
    as_root apt-get -qq -o Acquire::Retries=3 update
    package_lists_are_fresh=yes
}

install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    can_become_root || die "these packages are missing and sudo is not available here; as root, run: \
apt-get install ${missing[*]}"
    refresh_package_lists
    say "apt-get install ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 install "${missing[@]}" </dev/null
}
