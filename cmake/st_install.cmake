# SPDX-License-Identifier: AGPL-3.0-or-later
# st_install.cmake - what `cmake --install` puts where: headers, libraries, program, man page, pkg-config, CMake package.
include(CMakePackageConfigHelpers)

install(DIRECTORY include/spiraltorch DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(TARGETS ${library_targets} EXPORT spiraltorch_targets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(TARGET spiraltorch)
    install(TARGETS spiraltorch RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
if(EXISTS "${PROJECT_SOURCE_DIR}/docs/man/spiraltorch.1")
    install(FILES docs/man/spiraltorch.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
endif()
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# Relative to the file itself, so that an installed tree can be moved.
file(RELATIVE_PATH pc_to_prefix "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file(cmake/spiraltorch.pc.in spiraltorch.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/spiraltorch.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/spiraltorch")
install(EXPORT spiraltorch_targets NAMESPACE spiraltorch:: DESTINATION "${package_folder}")
configure_package_config_file(cmake/spiraltorchConfig.cmake.in spiraltorchConfig.cmake
    INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file(spiraltorchConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/spiraltorchConfig.cmake" "${PROJECT_BINARY_DIR}/spiraltorchConfigVersion.cmake"
    DESTINATION "${package_folder}")
