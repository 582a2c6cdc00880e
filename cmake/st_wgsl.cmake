# SPDX-License-Identifier: AGPL-3.0-or-later
# st_wgsl.cmake - kernels/wgsl/*.wgsl as arrays of the library: NAME.wgsl becomes `const char st_wgsl_NAME[]`.

file(GLOB wgsl_texts CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/wgsl/*.wgsl")
file(GLOB wgsl_makers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/backends/wgpu/*.[ch]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${wgsl_texts} ${wgsl_makers})
set(embedded "/* Made by cmake/st_wgsl.cmake from kernels/wgsl. */\n#include \"backends/wgpu/wgpu_kernels.h\"\n")
set(digests "")
foreach(path IN LISTS wgsl_texts)
    get_filename_component(name "${path}" NAME_WE)
    file(READ "${path}" bytes HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND embedded "\nconst char st_wgsl_${name}[] = {\n${bytes}0};\n")
endforeach()

# What kernel_hash answers with: measurements of other kernels are not taken for these. A change configures again.
foreach(path IN LISTS wgsl_texts wgsl_makers)
    file(SHA256 "${path}" digest)
    string(APPEND digests ${digest})
endforeach()
string(SHA256 digest "${digests}")
string(SUBSTRING ${digest} 0 14 digest)
string(APPEND embedded "\nconst uint64_t st_wgsl_hash = 0x${digest}00u;\n")

set(wgsl_source "${PROJECT_BINARY_DIR}/wgsl_texts.c")
file(CONFIGURE OUTPUT "${wgsl_source}" CONTENT "${embedded}" @ONLY)
list(APPEND library_sources "${wgsl_source}")
