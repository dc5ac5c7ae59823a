// The compiled plugins inside the executable: a table that engine/executable.mjs writes.
#ifndef BAUTA_BUNDLES_H
#define BAUTA_BUNDLES_H

#include <stddef.h>
#include <stdint.h>

struct bauta_bundle {
  const char *name;  // what the executable must be called by
  const uint8_t *bytecode;
  const uint32_t *bytecode_size;
  const char *const *sources;  // the TypeScript files, as paths in the repository
  const uint8_t *line_map;     // see linemap.c
  const uint32_t *line_map_size;
};

extern const struct bauta_bundle bauta_bundles[];
extern const size_t bauta_bundle_count;

#endif
