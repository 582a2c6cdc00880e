#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# try_wheels.sh - installs the wheels of build/wheels/dist and runs wheel_smoke.py with them: on each interpreter that is named, and the
# aarch64 wheel on Debian's python3.11 for that machine, unpacked into build/wheels and run by qemu. Needs what build_wheels.sh left.
#     tests/package/try_wheels.sh [PYTHON...]     without a PYTHON: python3.11 to python3.14 of the PATH
set -u
cd "$(dirname "$0")/../.." || exit 1
here=$(pwd)
work=$here/build/wheels
smoke=$here/tests/package/wheel_smoke.py
pip=$(ls -d "$work"/tools-*/bin/python | head -n 1)
passed=0
failed=0
unset PYTHONPATH PYTHONHOME
SPIRALTORCH_HOME=$work/state ST_WGPU_LIBRARY=none PYTHONDONTWRITEBYTECODE=1
export SPIRALTORCH_HOME ST_WGPU_LIBRARY PYTHONDONTWRITEBYTECODE

count() {
    if "$@"; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "failed: $*"
    fi
}

# on_interpreter PYTHON: pip chooses the wheel, as it does for users.
on_interpreter() {
    rm -rf "$work/package"
    "$pip" -m pip --python "$1" install -q --disable-pip-version-check --root-user-action ignore --no-index --no-deps --no-compile --find-links "$work/dist" \
        --only-binary :all: --target "$work/package" spiraltorch && PYTHONPATH=$work/package "$1" "$smoke" "wgpu: wgpu-native 29"
}

# unpack_arm: an interpreter for 64-bit ARM and the libraries it needs, without changing this system's packages.
unpack_arm() {
    root=$work/arm64
    [ -x "$root/usr/bin/python3.11" ] && return 0
    rm -rf "$root"
    mkdir -p "$root/apt/lists/partial" "$root/apt/archives"
    set -- -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::Lists="$root/apt/lists" -o Dir::State::status=/dev/null \
        -o Dir::Cache="$root/apt"
    apt-get "$@" update >"$root/apt/log" 2>&1 && (cd "$root/apt/archives" && apt-get "$@" download libc6 libgcc-s1 zlib1g libexpat1 libssl3 libffi8 \
        libbz2-1.0 liblzma5 python3.11-minimal libpython3.11-minimal libpython3.11-stdlib) >>"$root/apt/log" 2>&1 || return 1
    for package in "$root"/apt/archives/*.deb; do dpkg-deb -x "$package" "$root" || return 1; done
    rm -rf "$root/apt"
}

on_arm() {
    unpack_arm || return 1
    rm -rf "$work/package"
    "$pip" -m zipfile -e "$work"/dist/spiraltorch-*-cp311-abi3-manylinux_*_aarch64.whl "$work/package" &&
        PYTHONHOME=$root/usr PYTHONPATH=$work/package qemu-aarch64-static -L "$root" "$root/usr/bin/python3.11" "$smoke" "wgpu: wgpu-native 29"
}

[ $# -gt 0 ] || for version in 3.11 3.12 3.13 3.14; do
    found=$(command -v "python$version") && set -- "$@" "$found"
done
for python in "$@"; do count on_interpreter "$python"; done
if command -v qemu-aarch64-static >/dev/null; then count on_arm; fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
