# SPDX-License-Identifier: AGPL-3.0-or-later
# st_kernels.cmake - flags of the CPU kernels: one file an instruction set, chosen at run time by what the processor has.

# Kernels without optimisation are so slow that sanitizer runs would see little of them.
set(kernel_level -O3)
if(ST_SANITIZE OR ST_BUILD_FUZZ)
    set(kernel_level -O2)
elseif(ST_COVERAGE)
    set(kernel_level -Og)
endif()

# Only what processor.c asks the processor for, and what came to every processor together with it.
set(avx2_flags -mavx2 -mbmi -mbmi2 -mfma -mf16c -mlzcnt -mpopcnt)
set(avx512_flags ${avx2_flags} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mprefer-vector-width=512)
set(neon_flags "")
set(known_isas avx2 avx512 neon)
set(isas_here "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(isas_here avx2 avx512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    set(isas_here neon)
endif()

# A file of another architecture would be an empty translation unit, which ISO C does not have.
foreach(source IN LISTS library_sources)
    if(NOT source MATCHES "/backends/cpu/")
        continue()
    endif()
    # Single words are gathered into a vector register only to be stored from it: slower wherever it was seen.
    set(flags ${kernel_level} -fno-tree-slp-vectorize)
    foreach(isa IN LISTS known_isas)
        if(source MATCHES "_${isa}(_[a-z0-9_]+)?\\.c$")
            if(isa IN_LIST isas_here)
                list(APPEND flags ${${isa}_flags})
            else()
                list(REMOVE_ITEM library_sources "${source}")
            endif()
        endif()
    endforeach()
    set_property(SOURCE "${source}" APPEND PROPERTY COMPILE_OPTIONS ${flags})
endforeach()

# What kernel_hash answers with: measurements of other kernels are not taken for these. A change configures again.
file(GLOB hashed CONFIGURE_DEPENDS src/backends/cpu/*.c src/backends/cpu/*.h src/backends/cpu/*.inc src/rank/*.c src/rank/*.h
     src/rank/*.inc)
list(SORT hashed)
set(digests "")
foreach(source IN LISTS hashed)
    file(SHA256 "${source}" digest)
    string(APPEND digests ${digest})
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${hashed})
string(SHA256 digest "${digests}")
string(SUBSTRING ${digest} 0 14 digest)
set_property(SOURCE ${CMAKE_CURRENT_SOURCE_DIR}/src/backends/cpu/cpu_backend.c APPEND PROPERTY COMPILE_DEFINITIONS
             ST_CPU_SOURCE_HASH=0x${digest}00u)
