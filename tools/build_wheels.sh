#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# build_wheels.sh - the source distribution of what is committed and, out of it, the wheels: into build/wheels/dist. docs/wheels.md
# says what they are and need.
#     tools/build_wheels.sh [TARGET...]     without a TARGET: linux-x86_64 linux-aarch64
# TARGETs: linux-x86_64 linux-aarch64 macos-x86_64 macos-arm64. ST_WHEEL_PYTHON is the interpreter whose headers are built with:
# python3, 3.11 or later. A free-threaded one makes wheels for its own version, others one for all versions. JANSSON_ARCHIVE may name
# jansson's source archive; else apt fetches Debian's.
set -eu
cd "$(dirname "$0")/.."
here=$(pwd)
work=$here/build/wheels
python=${ST_WHEEL_PYTHON:-python3}
jansson_version=2.14
jansson_sha256=c739578bf6b764aa0752db9a2fdadcfe921c78f1228c7ec0bb47fa804c55d17b
[ $# -gt 0 ] || set -- linux-x86_64 linux-aarch64
mkdir -p "$work/dist"

say() { echo "build_wheels.sh: $*"; }
fail() {
    echo "build_wheels.sh: $*" >&2
    exit 1
}

# ---- tools, pinned in tools/wheels.txt ------------------------------------------------------------------------------
tools=$work/tools-$("$python" -c 'import sys; print(sys.implementation.cache_tag + sys.abiflags)')
if ! cmp -s tools/wheels.txt "$tools/wheels.txt"; then
    say "installs its tools into $tools"
    rm -rf "$tools"
    "$python" -m venv "$tools"
    "$tools/bin/python" -m pip install -q --disable-pip-version-check -r tools/wheels.txt
    cp tools/wheels.txt "$tools/wheels.txt"
fi
PATH=$tools/bin:$PATH
python=$tools/bin/python
zig=$("$python" -c 'import ziglang, os; print(os.path.join(os.path.dirname(ziglang.__file__), "zig"))')
ZIG_GLOBAL_CACHE_DIR=$work/zig
ZIG_LOCAL_CACHE_DIR=$work/zig
export PATH ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR

# ---- jansson, as an archive inside the module -----------------------------------------------------------------------
# fetch_jansson: Debian's source package, through apt with lists of its own, since few systems have sources in theirs.
fetch_jansson() {
    apt=$work/apt
    mkdir -p "$apt/lists/partial" "$apt/parts"
    cat /etc/apt/sources.list.d/debian.sources 2>/dev/null | sed 's/^Types:.*/Types: deb-src/' >"$apt/parts/debian.sources"
    grep -sh '^deb .*debian' /etc/apt/sources.list | sed 's/^deb /deb-src /' >"$apt/parts/debian.list" || true
    set -- -q -o Dir::State::Lists="$apt/lists" -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/parts"
    apt-get "$@" update >"$apt/log" 2>&1 && (cd "$apt" && apt-get "$@" source --download-only jansson) >>"$apt/log" 2>&1 || {
        cat "$apt/log" >&2
        fail "apt cannot fetch jansson $jansson_version; name its source archive with JANSSON_ARCHIVE"
    }
    jansson_archive=$(ls "$apt"/jansson_$jansson_version.orig.tar.*z* | grep -v '\.asc$')
}
if [ ! -f "$work/jansson/CMakeLists.txt" ]; then
    jansson_archive=${JANSSON_ARCHIVE:-}
    [ -n "$jansson_archive" ] || fetch_jansson
    echo "$jansson_sha256  $jansson_archive" | sha256sum -c --quiet || fail "$jansson_archive is not jansson $jansson_version as it was released"
    rm -rf "$work/jansson"
    mkdir "$work/jansson"
    tar -xf "$jansson_archive" -C "$work/jansson" --strip-components=1
fi

# ---- headers: those of wgpu-native, and Python's with 64-bit Linux's pyconfig.h, wherever this system keeps it ---------
say "$(tools/get_wgpu.sh | sed 's/^/wgpu-native: /')"
rm -rf "$work/include"
"$python" - "$work/include" <<'EOF'
import pathlib, shutil, sys, sysconfig
headers = pathlib.Path(sysconfig.get_path("include"))
shutil.copytree(headers, sys.argv[1])
own = pathlib.Path(headers.parent, sysconfig.get_config_var("MULTIARCH") or "", headers.name, "pyconfig.h")
shutil.copy(own if own.is_file() else headers / "pyconfig.h", sys.argv[1])
EOF

# ---- the source distribution: of the commit, so that nothing else that lies here is in it -----------------------------
git diff --quiet HEAD || say "there are changes that are not committed; they are left out"
rm -rf "$work/source" "$work/tree"
mkdir "$work/source"
git archive HEAD | tar -x -C "$work/source"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
"$python" -m build -q --sdist --no-isolation --outdir "$work/dist" "$work/source"
version=$(cd "$work/source" && sed -n 's/^project(spiraltorch VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
sdist=$work/dist/spiraltorch-$version.tar.gz
mkdir "$work/tree"
tar -xf "$sdist" -C "$work/tree" --strip-components=1

# ---- wheels -----------------------------------------------------------------------------------------------------------
# The stable interface of 3.11, but where no thread holds a lock for all: that one has no stable interface before 3.15.
abi=$("$python" -c 'import sys, sysconfig
free, name = sysconfig.get_config_var("Py_GIL_DISABLED"), f"cp3{sys.version_info.minor}"
print(f"{name}-{name}t" if free else "cp311-abi3")')

# build_wheel TARGET ZIG_TARGET PLATFORM: one wheel.
build_wheel() {
    folder=$work/$1-$abi
    tag=$abi-$3
    say "$1: $tag"
    rm -rf "$folder"
    set -- -DCMAKE_TOOLCHAIN_FILE="$work/tree/cmake/zig.cmake" -DST_ZIG="$zig" -DST_ZIG_TARGET="$2"
    cmake -G Ninja -S "$work/jansson" -B "$folder/jansson" "$@" -DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
        -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF -DCMAKE_INSTALL_PREFIX="$folder/prefix" \
        -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_POLICY_VERSION_MINIMUM=3.5 >"$folder.log" 2>&1 &&
        cmake --build "$folder/jansson" --target install >>"$folder.log" 2>&1 &&
        CMAKE_ARGS="$*" PKG_CONFIG_LIBDIR=$folder/prefix/lib/pkgconfig "$python" -m pip wheel --no-deps --no-index --no-build-isolation \
            -w "$folder/dist" -Cwheel.tags="$tag" -Cbuild-dir="$folder/build" -Ccmake.define.ST_WGPU_INCLUDE="$here/build/wgpu" \
            -Ccmake.define.Python_INCLUDE_DIR="$work/include" "$work/tree" >>"$folder.log" 2>&1 || {
        cat "$folder.log" >&2
        fail "$tag: not built"
    }
    wheel=$folder/dist/spiraltorch-$version-$tag.whl
    [ -f "$wheel" ] || fail "$tag: no such wheel was made"
}

# check_wheel PLATFORM: by the tools that look inside the module, and by its size; then it may go to the others.
check_wheel() {
    case $1 in
    manylinux*)
        auditwheel show "$wheel" >"$folder/audit.txt"
        grep -q "\"$1\"" "$folder/audit.txt" || {
            cat "$folder/audit.txt" >&2
            fail "$wheel: auditwheel does not find it to be $1"
        }
        ;;
    esac
    case $abi in *abi3) abi3audit --strict --assume-minimum-abi3 3.11 "$wheel" || fail "$wheel: abi3audit" ;; esac
    bytes=$(wc -c <"$wheel")
    [ "$bytes" -lt 3000000 ] || fail "$wheel has $bytes bytes"
    cp "$wheel" "$work/dist/"
    say "$(basename "$wheel"): $bytes bytes"
}

for target in "$@"; do
    case $target in
    linux-x86_64) zig_target=x86_64-linux-gnu.2.17 platform=manylinux_2_17_x86_64 ;;
    linux-aarch64) zig_target=aarch64-linux-gnu.2.17 platform=manylinux_2_17_aarch64 ;;
    macos-x86_64) zig_target=x86_64-macos.11.0 platform=macosx_11_0_x86_64 ;;
    macos-arm64) zig_target=aarch64-macos.11.0 platform=macosx_11_0_arm64 ;;
    *) fail "$target: no such target; see the first lines of this file" ;;
    esac
    build_wheel "$target" "$zig_target" "$platform"
    check_wheel "$platform"
done
