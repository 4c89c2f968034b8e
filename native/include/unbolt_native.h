// C functions of the Rust static library beside the engine's own (wasmtime.h). Thread-safe where
// the engine's are.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wasmtime.h>

#ifdef __cplusplus
extern "C" {
#endif

// Frees a string that a function below gave out.
void unbolt_string_delete(char* text);

// Checks `bytes` (a component or a core module) with the reference validator; `function_bodies`
// false leaves the bodies of core functions to the engine, which checks them when it compiles. On
// failure: the offset in the file, and why.
bool unbolt_validate(const uint8_t* bytes, size_t length, bool function_bodies, size_t* offset,
                     char** message);

// Makes a component of a core module that is a WASI preview1 command (imports nothing but
// wasi_snapshot_preview1, exports
// `_start`): bytes to be freed with `unbolt_bytes_delete`, or why it is none.
bool unbolt_componentize_command(const uint8_t* module, size_t length, uint8_t** out,
                                 size_t* out_length, char** message);
void unbolt_bytes_delete(uint8_t* bytes, size_t length);

// Makes a component of a core module that was written for a world: the one of this name in `wit` (a
// folder, with what it uses in its folder deps/, or a file; no name: its only one), or where `wit`
// is null the one that its bindings note in it. What imports preview1 gets an adapter, that for
// programs where it has a `_start`.
bool unbolt_componentize(const uint8_t* module, size_t length, const char* wit, const char* world,
                         uint8_t** out, size_t* out_length, char** message);

// The WIT of a component or of a package in its binary form; `alone`: of the package without those
// that it uses. Into `text`, or on failure why, to be freed with `unbolt_string_delete`.
bool unbolt_wit_text(const uint8_t* bytes, size_t length, bool alone, char** text);

// Bindings for guests, "c" or "go": calls `file` with each file's name, relative, and contents.
// `wit` and `world` as above.
typedef void (*unbolt_file_t)(void* context, const char* name, const uint8_t* bytes, size_t length);
bool unbolt_bindgen(const char* language, const char* wit, const char* world, unbolt_file_t file,
                    void* context, char** message);

// Lets a pool reset memory by asking the kernel which pages were written (PAGEMAP_SCAN, Linux 6.7);
// false where the kernel has no such call, and then nothing was changed.
bool unbolt_pool_use_pagemap_scan(wasmtime_pooling_allocation_config_t* config);

// Lets an engine keep each function that it compiles in the file at `path` (made where it is not
// there), by what it was made of, and take it from there when it is to compile the same again, also
// in another module. What would go beyond 256 MiB makes the file, and its copy in memory, begin
// anew. One engine at a time. False where the file cannot be used, and then nothing was changed.
bool unbolt_config_keep_functions(wasm_config_t* config, const char* path, size_t length);

// Equal for two engines that can run each other's compiled code.
uint64_t unbolt_engine_compatibility_hash(const wasm_engine_t* engine);

// An export looked up once in its module, for use in each of the module's instances. Null where
// there is none.
typedef struct unbolt_module_export unbolt_module_export_t;
unbolt_module_export_t* unbolt_module_export(const wasmtime_module_t* module, const char* name,
                                             size_t length);
void unbolt_module_export_delete(unbolt_module_export_t* handle);
bool unbolt_instance_export(wasmtime_context_t* store, const wasmtime_instance_t* instance,
                            const unbolt_module_export_t* handle, wasmtime_extern_t* out);

// A module prepared for instantiation in many stores. What instances take from each other lies in
// slots: an array of items of one store. The imports are met by host functions (as a
// wasmtime_instance_pre_t has them), or come from slots, in the module's order.
typedef struct unbolt_prepared unbolt_prepared_t;
unbolt_prepared_t* unbolt_prepared_from_pre(const wasmtime_instance_pre_t* pre);
unbolt_prepared_t* unbolt_prepared_from_slots(const wasmtime_module_t* module,
                                              const uint32_t* slots, size_t count);
// An export that an instance leaves in a slot. False where there is no such export.
bool unbolt_prepared_keep(unbolt_prepared_t* prepared, const char* name, size_t length,
                          size_t slot);
void unbolt_prepared_delete(unbolt_prepared_t* prepared);

// Instantiates and runs the start function on a fiber of its own. Null: it has ended, with
// `*instance` and the slots it keeps, or `*error` set (initialise it to null). Else it waits: poll
// until true, then delete. The arguments live until then. `slots` may be null where none is used.
typedef struct unbolt_instantiation unbolt_instantiation_t;
unbolt_instantiation_t* unbolt_instantiate(wasmtime_context_t* store,
                                           const unbolt_prepared_t* prepared,
                                           wasmtime_extern_t* slots, wasmtime_instance_t* instance,
                                           wasmtime_error_t** error);
bool unbolt_instantiation_poll(unbolt_instantiation_t* instantiation);
void unbolt_instantiation_delete(unbolt_instantiation_t* instantiation);

// Makes one core module of several (`members`) that are instantiated one after the other. An item
// is an export of a member, or, as an import, a function from outside, by a number that its user
// gives it: then `member` is UNBOLT_FUSE_OUTSIDE. The module imports the functions from outside
// from the module "", named by their numbers, and exports `exports`, named by their positions, in
// decimal. To instantiate it does what instantiating the members in turn does. On success bytes to
// be freed with `unbolt_bytes_delete`; else why these modules are to be left as they are. The types
// of imports are not compared.
#define UNBOLT_FUSE_OUTSIDE UINT32_MAX
typedef struct unbolt_fuse_item {
  uint32_t member;
  uint32_t outside;
  const char* name;
  size_t name_length;
} unbolt_fuse_item_t;
typedef struct unbolt_fuse_member {
  const uint8_t* bytes;
  size_t length;
  const unbolt_fuse_item_t* imports;  // in the module's order
  size_t import_count;
} unbolt_fuse_member_t;
bool unbolt_fuse(const unbolt_fuse_member_t* members, size_t member_count,
                 const unbolt_fuse_item_t* exports, size_t export_count, uint8_t** out,
                 size_t* out_length, char** message);

// Makes two of a core module with a lot of data: its code, and an image of what its memories and
// globals are before any code runs. The image imports exports of the code by `names`, one a line,
// in the order of its imports; to instantiate the code and then the image does what instantiating
// the module does. On success bytes to be freed with `unbolt_bytes_delete` and a string; false
// where it is to be left as it is. The module is valid.
bool unbolt_split(const uint8_t* bytes, size_t length, uint8_t** code, size_t* code_length,
                  uint8_t** image, size_t* image_length, char** names);

// The engine's code of a trap (wasmtime_trap_code_t), or -1 where the error is none of its traps.
int unbolt_error_trap_code(const wasmtime_error_t* error);

#ifdef __cplusplus
}
#endif
