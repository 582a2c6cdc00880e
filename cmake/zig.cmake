# SPDX-License-Identifier: AGPL-3.0-or-later
# zig.cmake - toolchain file: zig as C compiler, for another system, or for a libc older than this machine's. ST_ZIG is the program,
# ST_ZIG_TARGET the target in its words, such as x86_64-linux-gnu.2.17 or aarch64-macos.11.0.
if(CMAKE_C_COMPILER_ID)
    # Read once more, after CMake's own settings for the system: zig ends with a segmentation fault where macOS's linker would
    # make a bundle, and a shared library is loaded just as well.
    set(CMAKE_SHARED_MODULE_CREATE_C_FLAGS -shared)
    return()
endif()
set(CMAKE_USER_MAKE_RULES_OVERRIDE "${CMAKE_CURRENT_LIST_FILE}")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ST_ZIG ST_ZIG_TARGET)
if(NOT ST_ZIG_TARGET MATCHES "^(x86_64|aarch64)-(linux|macos|windows)")
    message(FATAL_ERROR "ST_ZIG_TARGET: \"${ST_ZIG_TARGET}\"; such as x86_64-linux-gnu.2.17")
endif()
set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_MATCH_1})
set(system_linux Linux)
set(system_macos Darwin)
set(system_windows Windows)
set(CMAKE_SYSTEM_NAME ${system_${CMAKE_MATCH_2}})

set(CMAKE_C_COMPILER "${ST_ZIG}" cc -target ${ST_ZIG_TARGET})
# One program is all the tools, by its first word.
set(CMAKE_AR "${ST_ZIG}" CACHE FILEPATH "Archiver")
set(CMAKE_RANLIB "${ST_ZIG}" CACHE FILEPATH "Archive indexer")
set(CMAKE_C_ARCHIVE_CREATE "<CMAKE_AR> ar qc <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_C_ARCHIVE_APPEND "<CMAKE_AR> ar q <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_C_ARCHIVE_FINISH "<CMAKE_RANLIB> ranlib <TARGET>")
# It has no strip: what is linked is stripped at once.
set(CMAKE_STRIP "" CACHE FILEPATH "None")
set(CMAKE_MODULE_LINKER_FLAGS_INIT -s)
set(CMAKE_INSTALL_NAME_TOOL "${ST_ZIG}" CACHE FILEPATH "Never run: no rpath is changed")
set(CMAKE_SKIP_RPATH ON)

# The build machine's own libraries are of no use.
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY NEVER)
