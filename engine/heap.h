// The memory of the JavaScript heap.
#ifndef BAUTA_HEAP_H
#define BAUTA_HEAP_H

#include <stdbool.h>

#include "quickjs.h"

extern const JSMallocFunctions bauta_heap;

// Whether an allocation has ever been refused.
extern bool bauta_heap_exhausted;

#endif
