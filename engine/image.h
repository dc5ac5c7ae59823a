// The data that the linker puts into the executable: the compiled TypeScript, or the heap that its module level left
// (snapshot.h), and the tables from the bundle's lines to the lines of the TypeScript, which engine/executable.mjs writes.
#ifndef BAUTA_IMAGE_H
#define BAUTA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t bauta_bytecode[];
extern const size_t bauta_bytecode_size;
extern char bauta_arena[];
extern const size_t bauta_arena_size;
// The use of each block (training.h), by the order in which the blocks are cut; the size of all blocks that are written to, and of
// all blocks that are only read. They stand beside bytecode only.
extern const uint8_t bauta_uses[];
extern const size_t bauta_uses_count, bauta_written_bytes, bauta_read_bytes;

extern const char *const bauta_sources[];  // the TypeScript files, as paths in the repository
extern const uint8_t bauta_line_map[];     // see linemap.c
extern const size_t bauta_line_map_size;

#endif
