#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# get_wgpu.sh - puts wgpu-native's library and headers for this platform into build/wgpu (or the folder that is named): out of
# the PyPI package wgpu, pinned by version and hash. Needs no network where they are already there. The last line is the library's path.
set -eu
cd "$(dirname "$0")/.."
version=0.32.0
folder=${1:-$(pwd)/build/wgpu}

library=
find_library() {
    for library in "$folder"/libwgpu_native-release.so "$folder"/libwgpu_native-release.dylib; do
        [ -f "$library" ] && return 0
    done
    return 1
}
if [ "$(cat "$folder/VERSION" 2>/dev/null)" = "$version" ] && find_library; then
    echo "$library"
    exit 0
fi

python=
for candidate in python3 /usr/bin/python3; do
    if "$candidate" -m pip --version >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "get_wgpu.sh: no python3 that has pip" >&2
    exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Of Linux (x86-64, 64-bit ARM) and macOS (x86-64, ARM).
cat >"$work/requirements.txt" <<EOF
wgpu==$version \\
    --hash=sha256:6499a31b5a29a10b4f1089fea4a0806411f42605fa86b6c0b543a07ca0de8568 \\
    --hash=sha256:00454ba1bc794d38c8365f4ad29f381b88ce0a7f115133bfaa6f1dfad7eb2764 \\
    --hash=sha256:cfd3967616a3c42e2b7a234407df38668c697f5aa505d56e0814d647b6746302 \\
    --hash=sha256:6c3f654ea01ab2de8a2903354ced02a3c6ef161d0fba1aa4fea60aa86d021908
EOF
if ! "$python" -m pip download -q --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    -d "$work" -r "$work/requirements.txt" >"$work/log" 2>&1; then
    cat "$work/log" >&2
    exit 1
fi
"$python" -m zipfile -e "$work"/wgpu-"$version"-*.whl "$work/unpacked"
mkdir -p "$folder"
cp "$work"/unpacked/wgpu/resources/webgpu.h "$work"/unpacked/wgpu/resources/wgpu.h "$folder/"
cp "$work"/unpacked/wgpu/resources/libwgpu_native-release.* "$folder/"
echo "$version" >"$folder/VERSION"
find_library || {
    echo "get_wgpu.sh: the package has no library for this platform" >&2
    exit 1
}
echo "$library"
