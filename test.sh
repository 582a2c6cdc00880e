#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# test.sh - builds everything and tests it: release, Python package, sanitizers, fuzz targets, instruction sets, ARM under
# emulation, and WebGPU on two drivers that are programs, lavapipe and SwiftShader.
# Installs what is missing with apt. The last line is "N passed, N failed, N skipped"; the exit status says the same.
# ST_TEST_CONFIGS sets how many random configurations the optimised build goes through (48000), ST_TEST_WGPU_CONFIGS how many
# on each WebGPU driver (2000); ST_TEST_LARGE=0 leaves the row of 20 GB out.
set -u
cd "$(dirname "$0")" || exit 1
. tools/packages.sh
here=$(pwd)
jobs=$(nproc 2>/dev/null || echo 2)
configs=${ST_TEST_CONFIGS:-48000}
wgpu_configs=${ST_TEST_WGPU_CONFIGS:-2000}
mkdir -p build
ST_TALLY=$here/build/tally.jsonl
export ST_TALLY
rm -f "$ST_TALLY"

give_up() {
    echo "$1"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}

# ---- parts: each with its share, in seconds, of what all may take on two slow cores ---------------------------------
part_name=
part_budget=0
part_end() {
    [ -z "$part_name" ] && return
    "$ST_PYTHON" tests/tally.py part --part "$part_name" --budget "$part_budget" --used $(($(date +%s) - part_start))
    part_name=
}
part() {
    part_end
    part_name=$1
    part_budget=$2
    part_start=$(date +%s)
    echo "== $part_name"
}
tally() {
    action=$1
    kind=$2
    shift 2
    "$ST_PYTHON" tests/tally.py "$action" "$kind" --part "$part_name" "$@"
}
skip() { "$ST_PYTHON" tests/tally.py skip --part "$part_name" --name "$1" -- "$2"; }

# build PRESET OPTION...: configures with the options and builds. Warnings are errors but under GCC's sanitizers, whose
# code makes it warn of what is not there.
werror=-DST_WARNINGS_AS_ERRORS=ON
build() {
    preset=$1
    shift
    tally run build --name "configure $preset" --timeout 600 -- cmake --preset "$preset" "$@" &&
        tally run build --name "build $preset" --timeout 1800 -- cmake --build "build/$preset" -j "$jobs"
}

# programs KIND TIMEOUT PREFIX FILE...: those of the files that exist.
programs() {
    kind=$1
    limit=$2
    prefix=$3
    shift 3
    for file in "$@"; do
        shift
        [ -f "$file" ] && set -- "$@" "$file"
    done
    tally programs "$kind" --timeout "$limit" --jobs "$jobs" --prefix "$prefix" -- "$@"
}

# cmocka_tests PRESET PREFIX: all of a preset's cmocka programs.
cmocka_tests() {
    tests=build/$1/tests
    programs cmocka 1200 "$2" "$tests"/unit/test_* "$tests"/kernel/test_* "$tests"/property/test_*
}

# wgpu_environment DRIVER SETTING...: the words that run a program on lavapipe or swiftshader, and nowhere else.
wgpu_environment() {
    case $1 in
    lavapipe) wgpu_driver="VK_ICD_FILENAMES=$(echo /usr/share/vulkan/icd.d/lvp_icd.*.json) ST_TEST_WGPU=llvmpipe" ;;
    *) wgpu_driver="VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json ST_TEST_WGPU=SwiftShader" ;;
    esac
    shift
    echo "env XDG_RUNTIME_DIR=$here/build $wgpu_driver ST_WGPU_LIBRARY=$wgpu_library $*"
}

# wgpu_tests PRESET DRIVER PREFIX SETTING...: a preset's tests that need a WebGPU device, on lavapipe or swiftshader. They fail
# rather than run on another device.
wgpu_tests() {
    wgpu_build=build/$1/tests
    wgpu_name=$2
    wgpu_prefix=$3
    shift 3
    programs cmocka 1200 "$(wgpu_environment "$wgpu_name" "$@") $wgpu_prefix" "$wgpu_build"/wgpu/test_*
}

# wgpu_rank_check FIRST CONFIGS SETTING: random configurations on both drivers at once, by their numbers. All settings have one
# seed, and so kernels of the same sizes, which a driver may have kept.
wgpu_seed=$(date +%s)
wgpu_rank_check() {
    for driver in lavapipe swiftshader; do
        # shellcheck disable=SC2046 # the environment is words
        tally run plain --name "rank_check on $driver, $3, $2 configurations" --timeout 3000 -- \
            $(wgpu_environment "$driver" "$3") build/release/tests/property/rank_check --backend wgpu:0 --first "$1" \
            --configs "$2" --seed "$wgpu_seed" &
    done
    wait
}

# rank_check PRESET CONFIGS TIMEOUT PREFIX: random configurations on every instruction set here, shared out to as many
# processes as there are processors, each with a fresh seed of its own.
rank_check() {
    check=build/$1/tests/property/rank_check
    share=$((($2 + jobs - 1) / jobs))
    worker=1
    while [ "$worker" -le "$jobs" ]; do
        # shellcheck disable=SC2086 # the prefix is words
        tally run plain --name "rank_check $worker, $share configurations" --timeout "$3" -- $4 "$check" \
            --configs "$share" &
        worker=$((worker + 1))
    done
    wait
}

# chooser_check PRESET CONFIGS TIMEOUT: plans by random rules, tables and caps, with a fresh seed.
chooser_check() {
    tally run plain --name "chooser_check, $2 configurations" --timeout "$3" -- "build/$1/tests/property/chooser_check" \
        --configs "$2"
}

# python_tests PRESET PREFIX FILE...: tests of the Python package, with a preset's build of it.
python_tests() {
    python_prefix="env PYTHONPATH=$here/build/$1/python $2 $ST_PYTHON -m pytest -q -ra"
    shift 2
    programs pytest 900 "$python_prefix" "$@"
}

# ---- what is needed -------------------------------------------------------------------------------------------------
install_start=$(date +%s)
need_packages cmake ninja-build gcc g++ libc6-dev pkgconf libjansson-dev libcmocka-dev python3 python3-numpy python3-pytest \
    libopenblas-dev zlib1g-dev dataset-fashion-mnist || give_up "What the tests need is not here."
need_packages locales mandoc libhwy-dev python3-matplotlib python3-venv || echo "The tests that need them will be skipped."
fuzz_missing=
need_packages clang-14 libclang-rt-14-dev || fuzz_missing="no clang with libFuzzer"
arm_missing=
need_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static ||
    arm_missing="no ARM cross compiler and qemu"

python_missing=
need_packages python3-dev || python_missing="no headers of Python"
need_packages python3-torch python3-scipy || echo "The tests of the Python package that need torch or SciPy will be skipped."

wgpu_missing=
need_packages python3-pip libvulkan1 mesa-vulkan-drivers chromium || wgpu_missing="no software Vulkan drivers"

ST_PYTHON=
for python in /usr/bin/python3 python3; do
    if "$python" -c 'import numpy, pytest' 2>/dev/null; then
        ST_PYTHON=$(command -v "$python")
        break
    fi
done
[ -n "$ST_PYTHON" ] || give_up "No python3 that can import numpy and pytest."
export ST_PYTHON
if [ -z "$python_missing" ]; then
    python_options="-DST_BUILD_PYTHON=ON -DPython_EXECUTABLE=$ST_PYTHON"
else
    python_options=-DST_BUILD_PYTHON=OFF
fi
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
# What is installed on this machine, or set in its environment, is none of the tests' business.
SPIRALTORCH_HOME=$here/build/state
export SPIRALTORCH_HOME
rm -rf "$SPIRALTORCH_HOME"
unset SPIRAL_HEUR_K SPIRAL_HEUR_K_LAB SPIRAL_HEUR_MIDK SPIRAL_HEUR_BOTTOMK SPIRAL_HEUR_SOFT SPIRAL_HEUR_MODE
# So is a GPU: wgpu-native is opened by the tests that are meant for it alone.
unset ST_WGPU_LIMITS ST_WGPU_SUBGROUPS ST_WGPU_TIMEOUT ST_TEST_WGPU
ST_WGPU_LIBRARY=none
export ST_WGPU_LIBRARY
wgpu_library=
if wgpu_library=$(tools/get_wgpu.sh); then
    echo "WebGPU library: $wgpu_library, of the PyPI package wgpu $(cat build/wgpu/VERSION)"
else
    wgpu_missing="tools/get_wgpu.sh cannot get wgpu-native"
fi
echo "Python for the tests: $ST_PYTHON; $jobs jobs; $configs random configurations"
"$ST_PYTHON" tests/tally.py part --part "packages" --budget 60 --used $(($(date +%s) - install_start))

# A locale with a decimal comma, which must not change how numbers are read and written; made here, not in the system.
LOCPATH=$here/build/locale
if mkdir -p "$LOCPATH" && localedef -i de_DE -f UTF-8 "$LOCPATH/de_DE.UTF-8" >/dev/null 2>&1; then export LOCPATH; fi

# Address randomisation wider than GCC 12's ThreadSanitizer knows must go; where that is refused, it may not matter.
tsan_prefix=
if setarch "$(uname -m)" -R true 2>/dev/null; then tsan_prefix="setarch $(uname -m) -R"; fi
ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:allocator_may_return_null=1:max_allocation_size_mb=8192
UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
export ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS

# ---- release --------------------------------------------------------------------------------------------------------
part "release build" 60
# shellcheck disable=SC2086 # the options are words
build release $werror -DST_BUILD_EXAMPLES=ON -DST_BUILD_BENCH_PEERS=ON $python_options || {
    part_end
    "$ST_PYTHON" tests/tally.py report
    exit 1
}
SPIRALTORCH=$here/build/release/spiraltorch
ST_BUILD=$here/build/release
export SPIRALTORCH ST_BUILD

part "structure, package, README" 20
tally run pytest --name structure --timeout 900 -- "$ST_PYTHON" -m pytest -q -ra tests/structure
tally run pytest --name package --timeout 900 -- "$ST_PYTHON" -m pytest -q -ra tests/package/test_package.py

part "unit and kernel tests" 20
cmocka_tests release ""

part "random configurations" 70
rank_check release "$configs" 1500 ""
chooser_check release "$configs" 600

part "WebGPU" 900
if [ -n "$wgpu_missing" ]; then
    skip "WebGPU" "$wgpu_missing"
else
    for driver in lavapipe swiftshader; do
        for setting in ST_WGPU_SUBGROUPS=1 ST_WGPU_SUBGROUPS=0 ST_WGPU_LIMITS=floor; do
            echo "-- $driver, $setting"
            wgpu_tests release "$driver" "" "$setting"
        done
    done
    for driver in lavapipe swiftshader; do
        # shellcheck disable=SC2046 # the environment is words
        tally run pytest --name "command line on $driver" --timeout 1200 -- $(wgpu_environment "$driver") \
            "$ST_PYTHON" -m pytest -q -ra tests/wgpu/test_command_line.py &
    done
    wait
    wgpu_quarter=$(((wgpu_configs + 3) / 4))
    wgpu_rank_check 0 $((2 * wgpu_quarter)) ST_WGPU_SUBGROUPS=1
    wgpu_rank_check $((2 * wgpu_quarter)) $wgpu_quarter ST_WGPU_SUBGROUPS=0
    wgpu_rank_check $((3 * wgpu_quarter)) $wgpu_quarter ST_WGPU_LIMITS=floor
fi

part "lower instruction sets" 60
for disabled in avx512 avx512,avx2; do
    ST_CPU_DISABLE=$disabled
    export ST_CPU_DISABLE
    cmocka_tests release ""
    tally run pytest --name "cli, arrays, without $disabled" --timeout 900 -- \
        "$ST_PYTHON" -m pytest -q -ra tests/cli/test_rank_arrays.py
done
unset ST_CPU_DISABLE

part "command line" 100
programs pytest 1500 "env ST_TEST_LARGE=${ST_TEST_LARGE:-1} $ST_PYTHON -m pytest -q -ra" tests/cli/test_*.py

part "Python" 140
if [ -n "$python_missing" ]; then
    skip "Python package" "$python_missing"
else
    ST_TEST_PYTHON_PEERS=$(tools/get_python_peers.sh) || echo "Neither ONNX nor mypy can be had from PyPI."
    python_tests release "ST_TEST_PYTHON_PEERS=$ST_TEST_PYTHON_PEERS" tests/python/test_*.py tests/python/interop/test_*.py
fi

part "quickstart" 15
tally run pytest --name quickstart --timeout 900 -- "$ST_PYTHON" -m pytest -q -ra tests/package/test_quickstart.py

part "Python package" 60
if [ -n "$python_missing" ]; then
    skip "wheels" "$python_missing"
else
    tally run pytest --name wheel --timeout 900 -- "$ST_PYTHON" -m pytest -q -ra tests/package/test_wheel.py
fi

# ---- sanitizers -----------------------------------------------------------------------------------------------------
part "asan" 150
# shellcheck disable=SC2086 # the options are words
if build asan $python_options; then
    cmocka_tests asan ""
    rank_check asan $((configs / 12)) 1200 ""
    chooser_check asan $((configs / 12)) 600
    # lavapipe leaks a little of its own with every device.
    [ -n "$wgpu_missing" ] || wgpu_tests asan swiftshader ""
    SPIRALTORCH=$here/build/asan/spiraltorch
    programs pytest 1500 "$ST_PYTHON -m pytest -q -ra" tests/cli/test_*.py
    # Python itself is built without sanitizers, so that their libraries must come first, and its own leaks are not looked for.
    asan_libraries="$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)"
    [ -n "$python_missing" ] || python_tests asan \
        "LD_PRELOAD=$asan_libraries ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 PYTHONMALLOC=malloc" tests/python/test_*.py
fi

part "tsan" 160
if build tsan; then
    cmocka_tests tsan "$tsan_prefix"
    rank_check tsan $((configs / 48)) 1200 "$tsan_prefix"
    # SwiftShader's own threads race.
    [ -n "$wgpu_missing" ] || wgpu_tests tsan lavapipe "$tsan_prefix"
    SPIRALTORCH=$here/build/tsan/spiraltorch
    programs pytest 1500 "$tsan_prefix $ST_PYTHON -m pytest -q -ra" tests/cli/test_faults.py tests/cli/test_compact.py
fi

# ---- fuzz targets: bounded by count and by time ---------------------------------------------------------------------
part "fuzz" 100
if [ -n "$fuzz_missing" ]; then
    skip "fuzz targets" "$fuzz_missing"
elif build fuzz $werror; then
    programs plain 600 "sh tools/fuzz.sh" build/fuzz/tests/fuzz/fuzz_*
fi

# ---- NEON, under emulation ------------------------------------------------------------------------------------------
part "aarch64" 60
if [ -n "$arm_missing" ]; then
    skip "aarch64" "$arm_missing"
else
    tally run build --name "configure aarch64" --timeout 600 -- cmake --preset aarch64 $werror &&
        tally run build --name "build aarch64" --timeout 1800 -- \
            cmake --build build/aarch64 -j "$jobs" --target rank_check &&
        rank_check aarch64 $((configs / 20)) 1200 qemu-aarch64-static
fi

part_end
"$ST_PYTHON" tests/tally.py report
