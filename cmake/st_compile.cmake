# SPDX-License-Identifier: AGPL-3.0-or-later
# st_compile.cmake - the flags that every file of the project is compiled and linked with.

# Optimised for users, with line numbers for those who look inside; never -DNDEBUG, since src/ has no assert to remove.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O3 -g")
set(CMAKE_C_FLAGS_RELEASE "-O3")
set(CMAKE_C_FLAGS_DEBUG "-O0 -g3")

add_library(st_link INTERFACE)
add_library(st_compile INTERFACE)
target_link_libraries(st_compile INTERFACE st_link)
target_compile_options(st_compile INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    -ffp-contract=off # one rounding for each operation, so that every instruction set gives the same bits
    $<$<BOOL:${ST_WARNINGS_AS_ERRORS}>:-Werror>)

if(ST_SANITIZE)
    target_compile_options(st_compile INTERFACE
        -fsanitize=${ST_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(st_link INTERFACE -fsanitize=${ST_SANITIZE})
endif()
if(ST_BUILD_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "ST_BUILD_FUZZ: libFuzzer comes with clang alone; configure with --preset fuzz")
    endif()
    target_compile_options(st_compile INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(ST_COVERAGE)
    target_compile_options(st_compile INTERFACE --coverage)
    target_link_options(st_link INTERFACE --coverage)
endif()
