# unbolt::native: the Rust static library of native/, built by cargo in the user's cache folder (it takes minutes, once)
# and copied into build/native, with the engine's C headers. Configuring builds it where it is missing; each build asks
# the script, which returns at once when nothing changed.
if(UNBOLT_NATIVE_DIR)
  set(native_dir "${UNBOLT_NATIVE_DIR}")
else()
  if(DEFINED ENV{XDG_CACHE_HOME} AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(cache_root "$ENV{XDG_CACHE_HOME}")
  else()
    set(cache_root "$ENV{HOME}/.cache")
  endif()
  set(native_dir "${cache_root}/unbolt/native")
endif()
set(native_out "${CMAKE_SOURCE_DIR}/build/native")
set(native_library "${native_out}/libunbolt_native.a")
set(native_script "${CMAKE_COMMAND}" -E env "UNBOLT_NATIVE_DIR=${native_dir}" "${CMAKE_SOURCE_DIR}/scripts/build_native.sh")

if(NOT EXISTS "${native_library}" OR NOT EXISTS "${native_dir}/include/wasmtime/conf.h")
  execute_process(COMMAND ${native_script} COMMAND_ERROR_IS_FATAL ANY)
endif()

set(UNBOLT_GUEST_TOOL "${native_out}/unbolt-guest")
add_custom_target(unbolt_native_build
  COMMAND ${native_script}
  BYPRODUCTS "${native_library}" "${UNBOLT_GUEST_TOOL}"
  COMMENT "native/"
  USES_TERMINAL VERBATIM)

add_library(unbolt::native STATIC IMPORTED GLOBAL)
add_dependencies(unbolt::native unbolt_native_build)
set_target_properties(unbolt::native PROPERTIES IMPORTED_LOCATION "${native_library}")
target_include_directories(unbolt::native SYSTEM INTERFACE "${native_dir}/include")
target_include_directories(unbolt::native INTERFACE "${CMAKE_SOURCE_DIR}/native/include")
target_link_libraries(unbolt::native INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m)
