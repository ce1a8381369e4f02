# Sourced by ci/setup: oneDNN 3, from the distribution, from PyPI, or built from Debian's source.
# shellcheck shell=bash disable=SC2034,SC2154

onednn_version=3.7.2
onednn_source=onednn=3.7.2+ds-2
onednn_files='0cc51ca26c1af6a2bb1e71e378e7046f3ceb3e71791ee9d4e246d50f904a6ea6  onednn_3.7.2+ds.orig.tar.xz
db6b5144773b4f5b152a0138cba74af39124d59285975db7f2c220e992dcd2d4  onednn_3.7.2+ds-2.debian.tar.xz'
onednn_wheel_version=2023.2.0

has_onednn_package() {
    # shellcheck disable=SC2016
    [[ $(dpkg-query -W -f '${db:Status-Status} ${Version}' libdnnl-dev 2>/dev/null) = installed\ * ]] &&
        dpkg --compare-versions "$(dpkg-query -W -f '${Version}' libdnnl-dev)" ge 3
}

offered_onednn_version() { LC_ALL=C apt-cache policy libdnnl-dev | awk '/Candidate:/ && $2 != "(none)" { print $2 }'; }

offers_onednn_package() {
    local offered
    offered=$(offered_onednn_version)
    # An image without package lists offers nothing, whatever its distribution has.
    if [ -z "$offered" ] && can_become_root; then
        refresh_package_lists
        offered=$(offered_onednn_version)
    fi
    [ -n "$offered" ] && dpkg --compare-versions "$offered" ge 3
}

# find_onednn CHOICE: apt, wheel, source or auto; `onednn` becomes what stands for auto here, or stays auto
# while nothing is installed.
find_onednn() {
    onednn=$1
    local wheel=$prefix/onednn-wheel-$onednn_wheel_version
    if [ "$onednn" = auto ]; then
        if has_onednn_package; then
            onednn=apt
        elif [ -d "$wheel" ]; then
            onednn=wheel
        elif [ -d "$prefix/onednn-source-$onednn_version" ]; then
            onednn=source
        fi
    fi
    case $onednn in
        wheel) onednn_prefix=$wheel ;;
        source) onednn_prefix=$prefix/onednn-source-$onednn_version ;;
        *) onednn_prefix= ;;
    esac
}

onednn_is_ready() {
    case $onednn in
        apt) has_onednn_package ;;
        auto) false ;;
        *) [ -d "$onednn_prefix" ] ;;
    esac
}

install_onednn() {
    onednn_is_ready && return 0
    if [ "$onednn" = auto ]; then
        if can_become_root && offers_onednn_package; then
            find_onednn apt
        elif [ "$(uname -m)" = x86_64 ]; then
            find_onednn wheel
        else
            find_onednn source
        fi
    fi
    case $onednn in
        apt) install_onednn_package ;;
        wheel) install_onednn_wheel ;;
        source) install_onednn_source ;;
    esac
}

install_onednn_package() {
    local others='--onednn=wheel or --onednn=source'
    can_become_root || die "libdnnl-dev (oneDNN 3) is missing and sudo is not available here: use $others"
    offers_onednn_package || die "this distribution has no oneDNN 3 (libdnnl-dev): use $others"
    install_packages libdnnl-dev
    check_onednn '' "$(mktemp -d "$prefix/partial.XXXXXX")"
}

install_onednn_wheel() {
    local work
    [ "$(uname -m)" = x86_64 ] || die "PyPI has oneDNN for x86_64 only: use --onednn=source"
    say "oneDNN from PyPI into $onednn_prefix"
    work=$(mktemp -d "$prefix/partial.XXXXXX")
    "$python_environment/bin/python" -m pip --disable-pip-version-check install --quiet --no-user --no-deps \
        --no-compile --only-binary :all: --require-hashes --prefix "$work/installed" \
        -r "$source_root/ci/onednn-wheel.txt"
    # A wheel cannot hold links, so it has the 54 MB library three times.
    (cd "$work/installed/lib" && ln -sf libdnnl.so.3.2 libdnnl.so.3 && ln -sf libdnnl.so.3 libdnnl.so)
    check_onednn "$work/installed" "$work/check"
    mv -T "$work/installed" "$onednn_prefix"
    rm -rf "$work"
}

# The build directory stays until the library is installed, so that an interrupted build goes on.
install_onednn_source() {
    local work=$prefix/build/onednn-$onednn_version
    say "oneDNN $onednn_version from source into $onednn_prefix (about an hour of processor time; safe to interrupt)"
    mkdir -p "$work"
    [ -d "$work/source" ] || fetch_onednn_source "$work"
    # Kernels are generated at run time, so -O1 is as fast as -O3 and compiles in half the time.
    # Convolution is built on parts of deconvolution, inner product and matmul on each other.
    quietly "$work/log" with_default_compiler cmake -S "$work/source" -B "$work/build" -G Ninja \
        -DCMAKE_BUILD_TYPE=Release '-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG' \
        '-DCMAKE_C_FLAGS_RELEASE=-O1 -DNDEBUG' -DCMAKE_INSTALL_LIBDIR=lib \
        -DCMAKE_DISABLE_FIND_PACKAGE_Git=ON -DONEDNN_CPU_RUNTIME=OMP -DONEDNN_GPU_RUNTIME=NONE \
        -DONEDNN_BUILD_TESTS=OFF -DONEDNN_BUILD_EXAMPLES=OFF -DONEDNN_BUILD_GRAPH=OFF \
        -DONEDNN_ENABLE_WORKLOAD=INFERENCE \
        '-DONEDNN_ENABLE_PRIMITIVE=CONVOLUTION;DECONVOLUTION;POOLING;INNER_PRODUCT;ELTWISE;BINARY;REORDER;SUM;MATMUL'
    cmake --build "$work/build" -j "$(parallel_jobs)" >&2
    rm -rf "$work/installed" "$work/check"
    quietly "$work/log" cmake --install "$work/build" --prefix "$work/installed" --strip
    check_onednn "$work/installed" "$work/check"
    mv -T "$work/installed" "$onednn_prefix"
    rm -rf "$work"
    rmdir --ignore-fail-on-non-empty "$prefix/build"
}

# Of Debian's patches only upstream's own corrections are wanted: the others rename the library and ask for
# the distribution's spdlog, which a build without logging does not need.
fetch_onednn_source() {
    local work=$1 fetched
    fetched=$(mktemp -d "$work/fetch.XXXXXX")
    fetch_debian_source "$fetched" "$debian_suite" "$onednn_source" <<<"$onednn_files"
    mkdir "$fetched/source"
    tar -xf "$fetched"/onednn_*.orig.tar.xz -C "$fetched/source" --strip-components=1
    tar -xf "$fetched"/onednn_*.debian.tar.xz -C "$fetched"
    patch --quiet --directory="$fetched/source" -p1 <"$fetched/debian/patches/upstream-3.7.3.patch"
    mv -T "$fetched/source" "$work/source"
    rm -rf "$fetched"
}

# check_onednn PREFIX BUILD_DIRECTORY: a small convolution, built the way resbench is. An empty prefix is the
# distribution's.
check_onednn() {
    mkdir -p "$2"
    quietly "$2/log" with_default_compiler cmake -S "$source_root/ci/onednn-check" -B "$2" -G Ninja \
        -DCMAKE_PREFIX_PATH="$1"
    quietly "$2/log" cmake --build "$2"
    "$2/onednn-check" >&2
    rm -rf "$2"
}
