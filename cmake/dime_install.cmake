# SPDX-License-Identifier: Apache-2.0
# `cmake --install`: the program with its plugins, the SDK, and the CMake package for plugins written elsewhere.
include(CMakePackageConfigHelpers)
# dime refuses a plugin folder that others may write, as a umask of 002 would make it.
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                WORLD_READ WORLD_EXECUTE)
set(DIME_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/dime)

install(TARGETS dime dime_headers dime_torch EXPORT dimeTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(EXPORT dimeTargets DESTINATION ${DIME_PACKAGE_DIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/framework/include/dime DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp")
install(FILES ${CMAKE_BINARY_DIR}/include/dime/build.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dime)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/dimeConfig.cmake.in ${CMAKE_BINARY_DIR}/package/dimeConfig.cmake
                              INSTALL_DESTINATION ${DIME_PACKAGE_DIR} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the SDK.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/dimeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/package/dimeConfig.cmake ${CMAKE_BINARY_DIR}/package/dimeConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/dime_plugin.cmake DESTINATION ${DIME_PACKAGE_DIR})

# Relative, so that the installed tree can be moved; LibTorch stays where it was found.
file(RELATIVE_PATH _bin_to_lib ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
if(TARGET dime_cuda)
  set_target_properties(dime_cuda PROPERTIES INSTALL_RPATH "$ORIGIN;${DIME_TORCH_DIR}/lib")
  install(TARGETS dime_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(TARGETS dime_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
set_target_properties(dime_program PROPERTIES INSTALL_RPATH "$ORIGIN/${_bin_to_lib};${DIME_TORCH_DIR}/lib")
set_target_properties(dime PROPERTIES INSTALL_RPATH "$ORIGIN;${DIME_TORCH_DIR}/lib")

get_property(_plugins GLOBAL PROPERTY DIME_PLUGINS)
foreach(_plugin IN LISTS _plugins)
  get_target_property(_folder ${_plugin} LIBRARY_OUTPUT_DIRECTORY)
  get_filename_component(_folder ${_folder} NAME)
  set_target_properties(${_plugin} PROPERTIES
                        INSTALL_RPATH "$ORIGIN/../../${_bin_to_lib};${DIME_TORCH_DIR}/lib")
  install(TARGETS ${_plugin} LIBRARY DESTINATION ${CMAKE_INSTALL_BINDIR}/plugins/${_folder})
endforeach()

install(DIRECTORY ${CMAKE_SOURCE_DIR}/configs DESTINATION ${CMAKE_INSTALL_DATADIR}/dime)
if(DIME_ASSETS_DIR)
  install(DIRECTORY ${DIME_ASSETS_DIR}/ DESTINATION ${CMAKE_INSTALL_DATADIR}/dime/assets)
endif()
