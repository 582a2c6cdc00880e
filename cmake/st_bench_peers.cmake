# SPDX-License-Identifier: AGPL-3.0-or-later
# st_bench_peers.cmake - the C++ peers of the benchmark as a shared library for bench/peers/worker.py. It is no part of
# what is installed, and the only C++ here beside the tests' headers: switched on by ST_BUILD_BENCH_PEERS alone.
enable_language(CXX)
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(HIGHWAY QUIET IMPORTED_TARGET libhwy-contrib libhwy)
endif()
include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-march=native ST_CXX_HAS_MARCH_NATIVE)

add_library(spiraltorch_bench_peers MODULE bench/peers/native.cpp cli/bench_crew.c)
target_include_directories(spiraltorch_bench_peers PRIVATE include)
target_link_libraries(spiraltorch_bench_peers PRIVATE Threads::Threads)
set_target_properties(spiraltorch_bench_peers PROPERTIES
    CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden)
# The peers get this machine's instructions, as someone who cares for speed would build them. The crew and the read limit
# are built as the program builds them, so that both processes read in the same way.
target_compile_options(spiraltorch_bench_peers PRIVATE -Wall -Wextra $<$<BOOL:${ST_WARNINGS_AS_ERRORS}>:-Werror>
    $<$<COMPILE_LANGUAGE:CXX>:-O3> $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${ST_CXX_HAS_MARCH_NATIVE}>>:-march=native>)
if(HIGHWAY_FOUND)
    target_compile_definitions(spiraltorch_bench_peers PRIVATE ST_PEERS_HIGHWAY="${HIGHWAY_libhwy-contrib_VERSION}")
    target_link_libraries(spiraltorch_bench_peers PRIVATE PkgConfig::HIGHWAY)
endif()
