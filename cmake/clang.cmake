# SPDX-License-Identifier: AGPL-3.0-or-later
# clang.cmake - toolchain file: the clang that is here, under whatever version it is named.
find_program(ST_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 REQUIRED)
set(CMAKE_C_COMPILER "${ST_CLANG}")
