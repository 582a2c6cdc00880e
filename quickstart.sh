#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# quickstart.sh - builds the optimised program and shows it at work on real data. Installs what is missing with apt.
set -eu
cd "$(dirname "$0")"
. tools/packages.sh

need_packages cmake ninja-build gcc libc6-dev pkgconf libjansson-dev libopenblas-dev zlib1g-dev dataset-fashion-mnist
echo "Building (build/release) ..."
log=$(mktemp)
build() {
    cmake --preset release -DST_BUILD_EXAMPLES=ON &&
        cmake --build build/release -j "$(nproc)" --target spiraltorch knn_fashion
}
if ! build >"$log" 2>&1; then
    cat "$log"
    rm -f "$log"
    exit 1
fi
rm -f "$log"

show() {
    printf '\n$ %s\n' "$1"
}
PATH=$(pwd)/build/release:$(pwd)/build/release/examples:$PATH

show "spiraltorch devices"
spiraltorch devices

# The largest packages of this machine, by name, out of a pipe. (A removed package that left files has no size.)
if command -v dpkg-query >/dev/null 2>&1; then
    show "dpkg-query -W -f '\${Installed-Size}\\t\${Package}\\n' | grep '^[0-9]' | spiraltorch topk -k 10 --column 1 --show 2 -"
    dpkg-query -W -f '${Installed-Size}\t${Package}\n' | grep '^[0-9]' | spiraltorch topk -k 10 --column 1 --show 2 -
fi

# 1,000 pictures of clothes, named by their 10 nearest among 60,000.
show "knn_fashion"
knn_fashion

show "spiraltorch plan --kind bottomk --rows 1000 --cols 60000 -k 10 --explain"
spiraltorch plan --kind bottomk --rows 1000 --cols 60000 -k 10 --explain
