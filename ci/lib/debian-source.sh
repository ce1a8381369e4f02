# Sourced by ci/setup: source packages from the Debian archive, through an apt configuration of our own, so
# that the machine's apt sources stay as they are. Needs no root.
# shellcheck shell=bash disable=SC2034,SC2154

# The machine's own mirrors; no host name is written down here, so that a local mirror is used where one is.
archive_mirrors() {
    if [ -n "${RESBENCH_DEBIAN_MIRROR:-}" ]; then
        printf '%s\n' "$RESBENCH_DEBIAN_MIRROR"
    else
        # shellcheck disable=SC2016
        apt-get --no-release-info indextargets --format '$(REPO_URI)' | sort -u |
            awk '/security/ { next } /\/(debian|ubuntu)\/?$/ { print; next } { rest = rest $0 "\n" }
                 END { printf "%s", rest }'
    fi
}

archive_keyring() {
    local file
    for file in /usr/share/keyrings/"$1"-archive-keyring.{gpg,pgp}; do
        [ ! -r "$file" ] || { printf '%s\n' "$file"; return 0; }
    done
    return 1
}

# private_apt DIRECTORY TOOL ARGUMENT...
private_apt() {
    local directory=$1 tool=$2
    shift 2
    "$tool" --config-file="$directory/apt.conf" "$@"
}

# open_private_apt DIRECTORY SUITE COMPONENTS KEYRING: the first mirror which carries the suite, signed by the
# keyring, is used.
open_private_apt() {
    local directory=$1 suite=$2 components=$3 keyring=$4 mirror
    mkdir -p "$directory"/{lists/partial,cache/archives/partial}
    cat >"$directory/apt.conf" <<CONF
Dir::Etc::sourcelist "$directory/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$directory/lists";
Dir::Cache "$directory/cache";
APT::Sandbox::User "root";
Acquire::Retries "3";
Acquire::Languages "none";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF
    while read -r mirror; do
        printf 'deb-src [signed-by=%s] %s %s %s\n' "$keyring" "$mirror" "$suite" "$components" \
            >"$directory/sources.list"
        if private_apt "$directory" apt-get -qq --error-on=any update </dev/null >"$directory/log" 2>&1; then
            say "source packages of $suite from $mirror"
            return 0
        fi
    done < <(archive_mirrors)
    [ ! -s "$directory/log" ] || cat "$directory/log" >&2
    return 1
}

# fetch_debian_source DIRECTORY SUITE PACKAGE=VERSION: reads `sha256  file` lines from stdin; the files must be
# just what they say.
fetch_debian_source() {
    local directory=$1 suite=$2 package=$3 keyring
    [ -n "$(archive_keyring debian)" ] || install_packages debian-archive-keyring
    keyring=$(archive_keyring debian) || die "the keyring of the Debian archive is missing"
    open_private_apt "$directory/apt" "$suite" main "$keyring" ||
        die "no mirror of Debian with $suite found: set RESBENCH_DEBIAN_MIRROR to the URL of one"
    (cd "$directory" && private_apt "$directory/apt" apt-get -qq --download-only source "$package" </dev/null >&2 &&
        sha256sum --check --quiet --strict - >&2) || die "could not fetch $package with the expected content"
}
