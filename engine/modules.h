// The compiled TypeScript inside the executable. engine/bytecode.mjs writes the tables.
#ifndef BAUTA_MODULES_H
#define BAUTA_MODULES_H

#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

struct bauta_module {
  const uint8_t *bytecode;
  const uint32_t *size;
};

struct bauta_program {
  const char *name;  // what the executable must be called by
  unsigned module;
};

struct bauta_name {
  const char *name;  // a global variable
  unsigned module;   // which defines it
};

extern const struct bauta_module bauta_modules[];
extern const size_t bauta_module_count;
extern const struct bauta_program bauta_programs[];
extern const size_t bauta_program_count;
extern const struct bauta_name bauta_names[];  // in the order of strcmp
extern const size_t bauta_name_count;

extern const char *const bauta_sources[];  // the TypeScript files, as paths in the repository
extern const uint8_t bauta_line_map[];     // see linemap.c
extern const size_t bauta_line_map_size;

// Makes a look-up of a global variable that is not there yet load the module that defines it. Returns -1 when out of
// memory.
int bauta_add_modules(JSContext *context);

// Runs a module. Returns -1 with an exception pending when that fails.
int bauta_load_module(JSContext *context, unsigned module);

#endif
