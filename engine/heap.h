// The memory of the JavaScript heap.
#ifndef BAUTA_HEAP_H
#define BAUTA_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "quickjs.h"

extern const JSMallocFunctions bauta_heap;

// Whether an allocation has ever been refused.
extern bool bauta_heap_exhausted;

// All blocks are multiples of this: what QuickJS keeps in a block is aligned to 8 bytes at the most.
#define BAUTA_HEAP_UNIT 8UL

extern struct bauta_heap_state {
  char *fresh, *fresh_end;  // where the next new block comes from
  char *written, *read;     // the same for the blocks that the build knows to be used (training.h)
  uint64_t *borders;        // a bit for each unit of the arena: whether a block begins there, or the one before it ends
  size_t cuts;              // how many blocks have been new
  size_t mapped;            // how many bytes the system has been asked for
} bauta_heap_state;

// Takes new blocks from this memory until it is used up. It begins at a multiple of the unit.
void bauta_heap_use(char *memory, size_t size);

// Asks the system for the first fresh memory, and makes as much of it ready as an operation on a container needs.
void bauta_heap_prepare(void);

// Has the kernel make the pages of this memory the process's own, as a write to each page would; or map them, as a look at each
// would. One call for many pages takes a fraction of the faults' time. Before Linux 5.14 this does nothing.
void bauta_make_ready(const char *memory, size_t size);
void bauta_make_readable(const char *memory, size_t size);

// Gives up all blocks that have been freed.
void bauta_heap_forget(void);

// Whether all blocks that are in use lie in the arena.
bool bauta_heap_is_whole(void);

#endif
