# SPDX-License-Identifier: AGPL-3.0-or-later
# st_kernels.cmake - flags of the CPU kernels: one file an instruction set, chosen at run time by what the processor has.

file(GLOB cpu_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/backends/cpu/*.c")
# Kernels without optimisation are so slow that sanitizer runs would see little of them.
set(kernel_level -O3)
if(ST_SANITIZE OR ST_BUILD_FUZZ)
    set(kernel_level -O2)
elseif(ST_COVERAGE)
    set(kernel_level -Og)
endif()
set_property(SOURCE ${cpu_sources} APPEND PROPERTY COMPILE_OPTIONS ${kernel_level})

# Only what processor.c asks the processor for; all of it came together with AVX2, then with AVX-512 (Skylake).
set(avx2_flags -mavx2 -mbmi -mbmi2 -mfma -mf16c -mlzcnt -mpopcnt)
set(avx512_flags ${avx2_flags} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mprefer-vector-width=512)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    foreach(isa IN ITEMS avx2 avx512)
        file(GLOB isa_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/backends/cpu/*_${isa}.c"
            "${PROJECT_SOURCE_DIR}/src/backends/cpu/*_${isa}_*.c")
        if(isa_sources)
            set_property(SOURCE ${isa_sources} APPEND PROPERTY COMPILE_OPTIONS ${${isa}_flags})
        endif()
    endforeach()
endif()
