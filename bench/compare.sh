#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# compare.sh - the library against what people use, on this machine: installs the peers, builds, measures, prints a table
# and draws it. bench/README.md says how to read it.
set -u
started=$(pwd)
cd "$(dirname "$0")/.." || exit 1
here=$(pwd)
. tools/packages.sh

usage() {
    cat <<'TEXT'
usage: bench/compare.sh [--quick] [--newest-torch] [--out FOLDER]

  --quick          few shapes and repetitions, a minute or two instead of most of an hour
  --newest-torch   PyTorch from PyPI (6 GB, with CUDA) instead of Debian's python3-torch
  --out FOLDER     where JSON, table and pictures go (build/bench/results); files of an earlier run are replaced

Packages are installed with apt and, into a virtual environment under build/, with pip. Ctrl-C ends the measuring, and
what was measured is shown.
TEXT
}

quick=
torch=debian
results=$here/build/bench/results
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=1 ;;
    --newest-torch) torch=pypi ;;
    --out)
        [ $# -ge 2 ] || { usage >&2; exit 2; }
        case $2 in
        /*) results=$2 ;;
        '')
            echo "bench/compare.sh: --out: '' is no folder; name one, or leave it out" >&2
            exit 2
            ;;
        *) results=$started/$2 ;;
        esac
        shift
        ;;
    -h | --help) usage; exit 0 ;;
    *)
        echo "bench/compare.sh: $1: no such option" >&2
        usage >&2
        exit 2
        ;;
    esac
    shift
done

# ---- what is needed -------------------------------------------------------------------------------------------------
need_packages cmake ninja-build gcc g++ libc6-dev pkgconf python3 python3-venv || exit 1
need_packages libhwy-dev || echo "Without Highway: vqsort will be missing."
if [ $torch = debian ]; then
    need_packages python3-torch || echo "Without PyTorch: torch will be missing."
fi
venv=build/bench/venv-$torch
mkdir -p "$results" build/bench || {
    echo "bench/compare.sh: --out: $results cannot be made; name a folder that can" >&2
    exit 1
}
if ! [ -x $venv/bin/python ]; then
    /usr/bin/python3 -m venv --system-site-packages $venv || exit 1
fi
requirements=bench/peers/requirements.txt
if [ $torch = pypi ]; then requirements="$requirements bench/peers/requirements-torch.txt"; fi
# shellcheck disable=SC2086 # words on purpose
wanted=$(cat $requirements | cksum)
if [ "$(cat $venv/installed 2>/dev/null)" != "$wanted" ]; then
    echo "Installing the peers from PyPI into $venv"
    # One at a time: one that cannot be had must not keep the others away.
    missing=
    # shellcheck disable=SC2086 # words on purpose
    for package in $(sed 's/#.*//' $requirements); do
        $venv/bin/python -m pip install -q --disable-pip-version-check "$package" || missing="$missing $package"
    done
    if [ -z "$missing" ]; then
        echo "$wanted" >$venv/installed
    else
        echo "These could not be installed, and will be missing:$missing"
    fi
fi
build=build/bench/release
if ! { cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DST_BUILD_TESTS=OFF -DST_BUILD_SHARED=OFF \
    -DST_BUILD_BENCH_PEERS=ON && cmake --build $build; } >build/bench/build.log 2>&1; then
    tail -n 30 build/bench/build.log
    echo "The build failed; build/bench/build.log has it all."
    exit 1
fi
# The shell that starts the worker reads this as words: quotes keep a path with blanks one word.
ST_BENCH_WORKER="'$here/$venv/bin/python' '$here/bench/peers/worker.py' --native '$here/$build/libspiraltorch_bench_peers.so'"
export ST_BENCH_WORKER

# ---- measuring ------------------------------------------------------------------------------------------------------
# What an earlier run left, by the names that this script gives, and nobody else's files.
rm -f "$results"/one-[0-9]*x[0-9]*.json "$results"/two-[0-9]*x[0-9]*.json "$results"/data-[0-9]*x[0-9]*.json \
    "$results"/dtypes-[0-9]*x[0-9]*.json "$results"/sweep-[0-9]*.json
status=0
stopped=
measured=
trap 'stopped=1' INT TERM # the program handles its own, and what it measured is kept

# measure NAME OPTION...: one run of the program into NAME.json.
measure() {
    name=$1
    shift
    [ -z "$stopped" ] || return
    echo "== $name: $*" >&2
    $build/spiraltorch bench --json "$@" >"$results/$name.json" || status=1
    if [ -s "$results/$name.json" ]; then
        measured="$measured $name.json"
    else
        rm -f "$results/$name.json"
    fi
}

# shapes NAME THREADS OPTION...: the float32 shapes.
shapes() {
    name=$1
    threads=$2
    shift 2
    measure "$name-1x1048576" --shapes 1x1048576 -k 1,8,64,1024 --threads "$threads" "$@"
    measure "$name-8x65536" --shapes 8x65536 -k 1,8,64,1024,16384 --threads "$threads" "$@"
    measure "$name-1024x4096" --shapes 1024x4096 -k 1,8,64,1024 --threads "$threads" "$@"
    measure "$name-100000x128" --shapes 100000x128 -k 1,8,32,64 --threads "$threads" "$@"
    measure "$name-1024x65536" --shapes 1024x65536 -k 1,8,64,1024,16384 --threads "$threads" "$@"
    measure "$name-1x16777216" --shapes 1x16777216 -k 1,8,64,1024 --threads "$threads" "$@"
    measure "$name-64x1000000" --shapes 64x1000000 -k 1,8,64,1024 --threads "$threads" "$@"
}

# sweep MOST STEP: the library alone, every power of 2 of columns up to 2^MOST; data of 4 MiB; k in powers of 2^STEP.
sweep() {
    power=7
    while [ $power -le "$1" ]; do
        cols=$((1 << power))
        k=1
        list=1
        while [ $((k << $2)) -le $((cols / 4)) ]; do
            k=$((k << $2))
            list=$list,$k
        done
        ST_BENCH_WORKER='' measure "sweep-$cols" --shapes "$((1048576 / cols))x$cols" -k $list --threads 1 --against none
        power=$((power + 1))
    done
}

if [ -n "$quick" ]; then
    measure one-8x65536 --shapes 8x65536 -k 1,64 --threads 1 --reps 3
    measure one-1024x4096 --shapes 1024x4096 -k 64 --threads 1 --reps 3
    measure two-8x65536 --shapes 8x65536 -k 64 --threads 2 --reps 3
    sweep 14 2
else
    shapes one 1
    measure data-8x65536 --shapes 8x65536,1024x4096 -k 64 --threads 1 --data asc,desc,equal,few,neginf,narrow
    measure dtypes-1024x65536 --shapes 1024x65536 -k 64 --threads 1 --dtypes f16,bf16,f64,i64,u8,i8
    shapes two 2
    sweep 20 1
fi

# ---- showing --------------------------------------------------------------------------------------------------------
trap - INT TERM
if [ -z "$measured" ]; then
    echo "bench/compare.sh: nothing was measured" >&2
    exit 1
fi
cd "$results" || exit 1
# shellcheck disable=SC2086 # words on purpose: the names have no blanks
"$here/$venv/bin/python" "$here/bench/table.py" $measured | tee table.txt
# shellcheck disable=SC2086
"$here/$venv/bin/python" "$here/bench/plot.py" --out . $measured || status=1
echo "All of it is in $results"
exit $status
