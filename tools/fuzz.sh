#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# fuzz.sh TARGET - runs one fuzz target of the fuzz build from its first inputs, bounded by count and by time
# (ST_FUZZ_RUNS, ST_FUZZ_SECONDS). What it finds new stays in build/fuzz/corpus; an input that fails, in build/fuzz.
set -eu
target=$(realpath "$1")
name=${target##*/}
cd "$(dirname "$0")/.."
mkdir -p "build/fuzz/corpus/$name"
exec "$target" -runs="${ST_FUZZ_RUNS:-200000}" -max_total_time="${ST_FUZZ_SECONDS:-20}" -timeout=10 -rss_limit_mb=1024 \
    -artifact_prefix=build/fuzz/ -print_final_stats=1 "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name"
