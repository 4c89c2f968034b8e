# unbolt::wit: the packages of wit/deps in their binary form, as bytes in the program.
# For each package NAME the symbols unbolt_wit_NAME and unbolt_wit_NAME_end; wit_packages.inc lists them all.
file(GLOB wit_folders LIST_DIRECTORIES true CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/wit/deps/*")
file(GLOB_RECURSE wit_files CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/wit/deps/*.wit")
set(wit_out "${CMAKE_BINARY_DIR}/wit")
file(MAKE_DIRECTORY "${wit_out}")
set(wit_binaries)
set(wit_assembly "    .section .rodata\n")
set(wit_list "")
foreach(folder IN LISTS wit_folders)
  get_filename_component(name "${folder}" NAME)
  string(REPLACE "-" "_" symbol "${name}")
  add_custom_command(
    OUTPUT "${wit_out}/${name}.wasm"
    COMMAND "${UNBOLT_GUEST_TOOL}" wit encode "${folder}" -o "${wit_out}/${name}.wasm"
    DEPENDS ${wit_files} unbolt_native_build
    COMMENT "wit/deps/${name}" VERBATIM)
  list(APPEND wit_binaries "${wit_out}/${name}.wasm")
  string(APPEND wit_assembly
    "    .globl unbolt_wit_${symbol}\nunbolt_wit_${symbol}:\n    .incbin \"${name}.wasm\"\n"
    "    .globl unbolt_wit_${symbol}_end\nunbolt_wit_${symbol}_end:\n")
  string(APPEND wit_list "UNBOLT_WIT_PACKAGE(${symbol})\n")
endforeach()
string(APPEND wit_assembly "    .section .note.GNU-stack,\"\",@progbits\n")
file(CONFIGURE OUTPUT "${wit_out}/wit_packages.S" CONTENT "${wit_assembly}" @ONLY)
file(CONFIGURE OUTPUT "${wit_out}/wit_packages.inc" CONTENT "${wit_list}" @ONLY)
set_source_files_properties("${wit_out}/wit_packages.S" PROPERTIES OBJECT_DEPENDS "${wit_binaries}")
add_library(unbolt_wit STATIC "${wit_out}/wit_packages.S")
set_target_properties(unbolt_wit PROPERTIES ASM_COMPILER_LAUNCHER "")
target_compile_options(unbolt_wit PRIVATE "-I${wit_out}")
target_include_directories(unbolt_wit INTERFACE "${wit_out}")
add_library(unbolt::wit ALIAS unbolt_wit)
