# A layer is a static library whose target carries the include paths of what it may use and of nothing else:
#
#   bellhop_layer(core DEPENDS ...)
#
# An include that breaks the rule "apps -> facade -> actors -> core" is found in two ways: the layer's folder is not on
# the include path (each layer is reached through a folder of links made here, holding only what the layer may see), and
# CAF's headers are poisoned below actors/ by BELLHOP_NO_CAF (see core/CMakeLists.txt).

set(BELLHOP_WARNINGS
    -Wall
    -Wextra
    -Wpedantic
    -Wshadow=local
    -Wnon-virtual-dtor
    -Woverloaded-virtual)

function(bellhop_compile_options target)
  target_compile_options(${target} PRIVATE ${BELLHOP_WARNINGS})
  # g++ 12 finds it in CAF 0.17's headers at -O2, in every file that sends a message.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Wno-maybe-uninitialized>)
  if(BELLHOP_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${BELLHOP_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${BELLHOP_SANITIZE})
    if(BELLHOP_SANITIZE MATCHES undefined)
      # CAF 0.17's headers bind references through null pointers in unevaluated corners.
      target_compile_options(${target} PUBLIC -fno-sanitize=null -fno-sanitize=vptr)
      target_compile_options(${target} PUBLIC -fno-sanitize-recover=undefined)
    endif()
  endif()
endfunction()

# Makes ${CMAKE_BINARY_DIR}/layers/<layer>/<layer> a link to the layer's sources, so that "core/error.hpp" is found through
# it and nothing else is.
function(bellhop_layer layer)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/layers/${layer}")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/layers/${layer}/${layer}" SYMBOLIC)

  add_library(bellhop_${layer} STATIC ${sources})
  add_library(bellhop::${layer} ALIAS bellhop_${layer})
  target_include_directories(bellhop_${layer} PUBLIC "$<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/layers/${layer}>"
                                                     "$<INSTALL_INTERFACE:include/bellhop>")
  target_link_libraries(bellhop_${layer} PUBLIC ${ARG_DEPENDS})
  bellhop_compile_options(bellhop_${layer})
  set_target_properties(bellhop_${layer} PROPERTIES EXPORT_NAME ${layer} POSITION_INDEPENDENT_CODE ON)
endfunction()
