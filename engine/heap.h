// The memory of the JavaScript heap.
#ifndef BAUTA_HEAP_H
#define BAUTA_HEAP_H

#include <stdbool.h>

#include "quickjs.h"

extern const JSMallocFunctions bauta_heap;

// Whether an allocation has ever been refused.
extern bool bauta_heap_exhausted;

// Where the next new block comes from, and how many bytes have been asked of the system so far.
extern struct bauta_heap_state {
  char *fresh, *fresh_end;
  size_t mapped;
} bauta_heap_state;

// Takes new blocks from this memory until it is used up. It begins at a multiple of 16.
void bauta_heap_use(char *memory, size_t size);

#endif
