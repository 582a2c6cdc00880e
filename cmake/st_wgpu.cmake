# SPDX-License-Identifier: AGPL-3.0-or-later
# st_wgpu.cmake - the headers of wgpu-native, where they are. The library itself is opened at run time, never linked.
#
# Without them what calls WebGPU is left out; plans for it are made all the same.
set(ST_WGPU_INCLUDE "" CACHE PATH "Folder of wgpu-native's webgpu.h and wgpu.h; empty: build/wgpu, where tools/get_wgpu.sh puts them")
set(ST_WGPU_MAJOR 29) # the version of wgpu-native whose headers and library go with this source
set(ST_WGPU_FOUND OFF)
set(wgpu_include "${ST_WGPU_INCLUDE}")
if(NOT wgpu_include)
    set(wgpu_include "${PROJECT_SOURCE_DIR}/build/wgpu")
endif()
if("${CMAKE_EXE_LINKER_FLAGS}" MATCHES "-static( |$)")
    message(STATUS "A program that is linked statically opens no library: this build has no wgpu backend")
elseif(EXISTS "${wgpu_include}/webgpu.h" AND EXISTS "${wgpu_include}/wgpu.h")
    set(ST_WGPU_FOUND ON)
elseif(ST_WGPU_INCLUDE)
    message(FATAL_ERROR "ST_WGPU_INCLUDE: no webgpu.h and wgpu.h in ${ST_WGPU_INCLUDE}")
else()
    message(STATUS "wgpu-native's headers are not here (tools/get_wgpu.sh gets them): this build has no wgpu backend")
endif()

if(ST_WGPU_FOUND)
    # For the tests as well, which look at the same headers.
    add_library(st_wgpu INTERFACE)
    target_include_directories(st_wgpu SYSTEM INTERFACE "${wgpu_include}")
    target_compile_definitions(st_wgpu INTERFACE ST_WGPU=${ST_WGPU_MAJOR})
    target_link_libraries(spiraltorch_objects PRIVATE st_wgpu)
    string(APPEND ST_PC_LIBRARIES " -ldl")
else()
    get_target_property(sources spiraltorch_objects SOURCES)
    list(FILTER sources EXCLUDE REGEX "/backends/wgpu/native/")
    set_target_properties(spiraltorch_objects PROPERTIES SOURCES "${sources}")
endif()
