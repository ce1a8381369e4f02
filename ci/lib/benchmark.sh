# Sourced by ci/setup: Google Benchmark as a Release build. The distributions' binaries are built without
# NDEBUG and mark every result file as one of a debug library.
# shellcheck shell=bash disable=SC2034,SC2154

debian_suite=trixie
benchmark_source=benchmark=1.9.1-1
benchmark_version=1.9.1
benchmark_files='32131c08ee31eeff2c8968d7e874f3cb648034377dfc32a4c377fa8796d84981  benchmark_1.9.1.orig.tar.gz'

# Ubuntu has no Debian mirror in its configuration; its own archive has the same source in its own version,
# which is known once it is fetched and then stands in the name of the prefix.
uses_ubuntu_archive() {
    local ID='' ID_LIKE=''
    # shellcheck disable=SC1091
    . /etc/os-release
    [ -z "${RESBENCH_DEBIAN_MIRROR:-}" ] && [[ " $ID $ID_LIKE " = *" ubuntu "* ]]
}

find_benchmark() {
    if uses_ubuntu_archive; then
        benchmark_prefix=$(printf '%s\n' "$prefix"/benchmark-ubuntu-*/ | sort -V | tail -n 1)
        benchmark_prefix=${benchmark_prefix%/}
    else
        benchmark_prefix=$prefix/benchmark-$benchmark_version
    fi
    # Its Python tools, which tests run on our results: no part of what it installs.
    benchmark_tools=$prefix/tools-of-${benchmark_prefix##*/}
}

benchmark_is_ready() { [ -d "$benchmark_prefix" ] && [ -e "$benchmark_tools/compare.py" ]; }

# fetched_benchmark_version DIRECTORY
fetched_benchmark_version() {
    local archive
    archive=$(printf '%s\n' "$1"/benchmark_*.orig.tar.*)
    archive=${archive##*/benchmark_}
    printf '%s\n' "${archive%%.orig.tar.*}"
}

fetch_ubuntu_benchmark() {
    local directory=$1 keyring suite
    # shellcheck disable=SC1091
    suite=$(. /etc/os-release && printf '%s' "${UBUNTU_CODENAME:-$VERSION_CODENAME}")
    keyring=$(archive_keyring ubuntu) || die 'the keyring of the Ubuntu archive is missing'
    open_private_apt "$directory/apt" "$suite" 'main universe' "$keyring" ||
        die 'no mirror of Ubuntu found: set RESBENCH_DEBIAN_MIRROR to the URL of a Debian mirror'
    (cd "$directory" && private_apt "$directory/apt" apt-get -qq --download-only source benchmark >&2) ||
        die 'could not fetch the source of Google Benchmark'
}

install_benchmark() {
    benchmark_is_ready && return 0
    local work
    work=$(mktemp -d "$prefix/partial.XXXXXX")
    if uses_ubuntu_archive; then
        fetch_ubuntu_benchmark "$work"
        benchmark_prefix=$prefix/benchmark-ubuntu-$(fetched_benchmark_version "$work")
        benchmark_tools=$prefix/tools-of-${benchmark_prefix##*/}
    else
        fetch_debian_source "$work" "$debian_suite" "$benchmark_source" <<<"$benchmark_files"
    fi
    mkdir "$work/source"
    tar -xf "$work"/benchmark_*.orig.tar.* -C "$work/source" --strip-components=1
    if [ ! -d "$benchmark_prefix" ]; then # and not `||`, within which a failure would end nothing
        build_benchmark "$work"
    fi
    rm -rf "$benchmark_tools"
    mv -T "$work/source/tools" "$benchmark_tools"
    rm -rf "$work"
}

# build_benchmark DIRECTORY: from the source in it.
build_benchmark() {
    local work=$1
    say "Google Benchmark into $benchmark_prefix (about a minute)"
    # Git would find the version of whatever repository lies around the cache.
    quietly "$work/log" with_default_compiler cmake -S "$work/source" -B "$work/build" -G Ninja \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
        -DCMAKE_DISABLE_FIND_PACKAGE_Git=ON -DBUILD_SHARED_LIBS=OFF -DBENCHMARK_INSTALL_DOCS=OFF \
        -DBENCHMARK_ENABLE_TESTING=OFF -DBENCHMARK_ENABLE_GTEST_TESTS=OFF \
        -DBENCHMARK_ENABLE_LIBPFM=OFF -DBENCHMARK_ENABLE_WERROR=OFF
    cmake --build "$work/build" -j "$(parallel_jobs)" >&2
    quietly "$work/log" cmake --install "$work/build" --prefix "$work/installed"
    mv -T "$work/installed" "$benchmark_prefix"
}
