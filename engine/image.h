// What the linker puts into the executable: the compiled TypeScript or the heap that has come of it (snapshot.h), and how
// to get back from the bundle's lines to the TypeScript's. engine/executable.mjs writes the tables.
#ifndef BAUTA_IMAGE_H
#define BAUTA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t bauta_bytecode[];
extern const size_t bauta_bytecode_size;
extern char bauta_arena[];
extern const size_t bauta_arena_size;
// What blocks are used for (training.h), by the order in which they are cut, and the bytes together of those that are
// written to and of those that are only read. Only beside bytecode.
extern const uint8_t bauta_uses[];
extern const size_t bauta_uses_count, bauta_written_bytes, bauta_read_bytes;

extern const char *const bauta_sources[];  // the TypeScript files, as paths in the repository
extern const uint8_t bauta_line_map[];     // see linemap.c
extern const size_t bauta_line_map_size;

#endif
