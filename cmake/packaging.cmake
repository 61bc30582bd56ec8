# What `cmake --install` puts where, so that another project can say
#
#   find_package(bellhop 0.1 REQUIRED)
#   target_link_libraries(app PRIVATE bellhop::bellhop)
#
# and include <bellhop/core/url.hpp>. The layers include each other as "core/url.hpp"; for these the exported targets add
# include/bellhop to the include path.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(BELLHOP_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/bellhop")

# All layers by one name.
add_library(bellhop_all INTERFACE)
add_library(bellhop::bellhop ALIAS bellhop_all)
target_link_libraries(bellhop_all INTERFACE bellhop_core bellhop_actors bellhop_facade)
set_target_properties(bellhop_all PROPERTIES EXPORT_NAME bellhop)

target_compile_features(bellhop_core INTERFACE cxx_std_20)

foreach(_layer IN ITEMS core actors facade)
  target_include_directories(bellhop_${_layer} INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  install(
    DIRECTORY "${PROJECT_SOURCE_DIR}/${_layer}/"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/bellhop/${_layer}"
    COMPONENT development
    FILES_MATCHING
    PATTERN "*.hpp")
endforeach()

install(
  TARGETS bellhop_core bellhop_actors bellhop_facade bellhop_all
  EXPORT bellhop
  ARCHIVE COMPONENT development)

foreach(_program IN ITEMS bellhop bellhopd image-downloader)
  if(TARGET ${_program})
    install(TARGETS ${_program} RUNTIME COMPONENT programs)
  endif()
endforeach()

# Units of a user's service manager.
configure_file(packaging/systemd/bellhopd.service.in "${CMAKE_BINARY_DIR}/package/bellhopd.service" @ONLY)
install(
  FILES "${CMAKE_BINARY_DIR}/package/bellhopd.service" packaging/systemd/bellhopd.socket
  DESTINATION lib/systemd/user
  COMPONENT programs)

install(
  FILES README.md ARCHITECTURE.md LICENSE docs/api.md docs/semantics.md
  TYPE DOC
  COMPONENT documentation)

install(FILES docs/man/bellhop.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT programs)
if(TARGET bellhopd)
  install(FILES docs/man/bellhopd.8 DESTINATION "${CMAKE_INSTALL_MANDIR}/man8" COMPONENT programs)
endif()

install(
  EXPORT bellhop
  FILE bellhopTargets.cmake
  NAMESPACE bellhop::
  DESTINATION "${BELLHOP_PACKAGE_DIR}"
  COMPONENT development)

configure_package_config_file(cmake/bellhopConfig.cmake.in "${CMAKE_BINARY_DIR}/package/bellhopConfig.cmake"
                              INSTALL_DESTINATION "${BELLHOP_PACKAGE_DIR}")
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file("${CMAKE_BINARY_DIR}/package/bellhopConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(
  FILES "${CMAKE_BINARY_DIR}/package/bellhopConfig.cmake" "${CMAKE_BINARY_DIR}/package/bellhopConfigVersion.cmake"
        cmake/FindCAF.cmake cmake/FindxxHash.cmake
  DESTINATION "${BELLHOP_PACKAGE_DIR}"
  COMPONENT development)
