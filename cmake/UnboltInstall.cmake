# What `cmake --install` puts where: the program (component `program`), and the package `unbolt` with the library
# unbolt::component and what it stands on (component `library`), to be found with find_package(unbolt CONFIG).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/unbolt")
# The engine's C headers, away from those of a wasmtime that is installed itself.
set(native_headers "${CMAKE_INSTALL_INCLUDEDIR}/unbolt-native")

foreach(name base engine component)
  set_target_properties(unbolt_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(unbolt_${name} INTERFACE cxx_std_23)
  target_include_directories(unbolt_${name} INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  install(TARGETS unbolt_${name} EXPORT unbolt ARCHIVE COMPONENT library)
  install(DIRECTORY "${CMAKE_SOURCE_DIR}/src/unbolt/${name}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/unbolt"
    COMPONENT library FILES_MATCHING PATTERN "*.h" PATTERN testing EXCLUDE)
endforeach()
# What a plug-in is made with: two headers, and no library.
add_library(unbolt_plugin_headers INTERFACE)
set_target_properties(unbolt_plugin_headers PROPERTIES EXPORT_NAME plugin)
target_include_directories(unbolt_plugin_headers INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
install(TARGETS unbolt_plugin_headers EXPORT unbolt COMPONENT library)
install(FILES "${CMAKE_SOURCE_DIR}/src/unbolt/plugin/unbolt_plugin.h" "${CMAKE_SOURCE_DIR}/src/unbolt/plugin/unbolt_plugin.hpp"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/unbolt/plugin" COMPONENT library)
install(EXPORT unbolt NAMESPACE unbolt:: FILE unbolt-targets.cmake DESTINATION "${package_dir}" COMPONENT library)
install(FILES "${native_library}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library)
install(DIRECTORY "${native_dir}/include/" "${CMAKE_SOURCE_DIR}/native/include/" DESTINATION "${native_headers}"
  COMPONENT library FILES_MATCHING PATTERN "*.h")

configure_package_config_file("${CMAKE_SOURCE_DIR}/cmake/unbolt-config.cmake.in" "${CMAKE_BINARY_DIR}/unbolt-config.cmake"
  INSTALL_DESTINATION "${package_dir}" PATH_VARS CMAKE_INSTALL_LIBDIR native_headers)
# Before 1.0 a minor release may change the interface.
write_basic_package_version_file("${CMAKE_BINARY_DIR}/unbolt-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/unbolt-config.cmake" "${CMAKE_BINARY_DIR}/unbolt-config-version.cmake"
  DESTINATION "${package_dir}" COMPONENT library)
install(FILES "${CMAKE_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT library)

install(TARGETS unbolt RUNTIME COMPONENT program)
