// An allocator for processes that live for milliseconds. Blocks are cut one after the other from fresh memory, which touches as
// few pages as possible (a page costs more than a microsecond on a virtual machine). Freed blocks wait in lists by size.
//
// A block is the bytes that a caller has. Its size stands in front of it, but for the blocks of the arena (image.h): 50,000 small
// ones, for which a bit map tells where each begins. Eight bytes each would be 0.4 MB of the executable, the map is 0.07 MB.
//
// The C library's own allocator costs more at start-up: musl's takes 0.3 ms, and glibc's brings glibc along.
//
// A process has one heap, and its state is global: a snapshot (snapshot.h) is of the whole process anyway.
#include "heap.h"

#include "image.h"
#include "training.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE  // include/uapi/asm-generic/mman-common.h, since Linux 5.14
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define CHUNK (1UL << 20)
#define USUAL (256UL << 10)  // a bridge ADD takes about as much, most other operations less
#define UNIT BAUTA_HEAP_UNIT
#define SMALL 1024UL  // up to this size a list for each multiple of the unit, above it eight for each power of two
#define HUGE (256UL << 10)  // a block above this size has pages of its own
#define HEADER sizeof(size_t)  // the size in front of a block

bool bauta_heap_exhausted;

static size_t *header_of(const void *block) { return (size_t *)((char *)block - HEADER); }

#ifdef BAUTA_SYSTEM_MALLOC  // which the address sanitizer watches, to the byte

static void *take(size_t bytes, size_t *size) {
  *size = bytes;
  char *memory = malloc(bytes + 16);
  if (memory == NULL) return NULL;
  *header_of(memory + 16) = bytes;
  return memory + 16;
}

static size_t size_of(const void *block) { return *header_of(block); }

static void give_back(void *block, size_t size) {
  (void)size;
  free((char *)block - 16);
}

#else

#define LISTS 256

struct free_block {
  struct free_block *next;
};

struct bauta_heap_state bauta_heap_state;
static struct free_block *free_lists[LISTS];

static size_t round_up(size_t size, size_t unit) { return (size + unit - 1) & ~(unit - 1); }

// The size of the block for so many bytes, and the list where such blocks wait.
static size_t block_size(size_t bytes, unsigned *list) {
  size_t size = round_up(bytes, UNIT);
  if (size < sizeof(struct free_block)) size = sizeof(struct free_block);
  if (size <= SMALL) {
    *list = (unsigned)(size / UNIT);
    return size;
  }
  unsigned power = 63 - (unsigned)__builtin_clzl(size - 1);
  size_t step = 1UL << (power - 3);
  size = round_up(size, step);
  *list = SMALL / UNIT + (power - 10) * 8 + (unsigned)((size - (1UL << power)) / step);
  return size;
}

static bool is_in_arena(const void *at) { return (uintptr_t)at - (uintptr_t)bauta_arena < bauta_arena_size; }

static size_t unit_of(const void *at) { return (size_t)((const char *)at - bauta_arena) / UNIT; }

static void mark_border(const void *at) { bauta_heap_state.borders[unit_of(at) / 64] |= 1UL << unit_of(at) % 64; }

// How far it is from this border of the arena to the next one.
static size_t size_in_arena(const void *block) {
  size_t begin = unit_of(block), word = (begin + 1) / 64;
  uint64_t bits = bauta_heap_state.borders[word] & ~0UL << (begin + 1) % 64;
  while (bits == 0) bits = bauta_heap_state.borders[++word];
  return (word * 64 + (size_t)__builtin_ctzl(bits) - begin) * UNIT;
}

static size_t size_of(const void *block) { return is_in_arena(block) ? size_in_arena(block) : *header_of(block); }

// Cuts a block off the memory that begins at `*next`.
static void *cut_at(char **next, size_t size) {
  char *block = *next;
  if (is_in_arena(block)) {
    mark_border(block);
    mark_border(block + size);
  } else {
    block += HEADER;
    *header_of(block) = size;
  }
  *next = block + size;
  return block;
}

static void *map(size_t size) {
  bauta_heap_state.mapped += size;
  void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? NULL : pages;
}

void bauta_heap_use(char *memory, size_t size) {
  bauta_heap_state.fresh = memory;
  bauta_heap_state.fresh_end = memory + size;
}

static void populate(const char *from, size_t size, int how) {
  char *page = (char *)((uintptr_t)from & -(uintptr_t)sysconf(_SC_PAGESIZE));  // 64 KB on some arm64
  (void)madvise(page, (size_t)(from - page) + size, how);
}

void bauta_make_ready(const char *memory, size_t size) { populate(memory, size, MADV_POPULATE_WRITE); }

void bauta_make_readable(const char *memory, size_t size) { populate(memory, size, MADV_POPULATE_READ); }

void bauta_heap_prepare(void) {
  char *chunk = map(CHUNK);
  if (chunk == NULL) return;
  bauta_heap_use(chunk, CHUNK);
  bauta_make_ready(chunk, USUAL);
}

void bauta_heap_forget(void) {
#ifdef BAUTA_TRAINING
  for (size_t i = 0; i < LISTS; i++) {
    for (struct free_block *block = free_lists[i]; block != NULL; block = block->next) bauta_train_freed(block);
  }
#endif
  memset(free_lists, 0, sizeof free_lists);
}

// Memory outside of the snapshot, for the blocks that have been given back when the snapshot is written. Their neighbours may still
// have their addresses, so these are the same each time: two builds make the same snapshot. Nothing else is mapped there.
#define ASIDE ((char *)(4UL << 30))
static char *aside = ASIDE, *aside_end = ASIDE;
static size_t aside_bytes;

static void *cut_aside(size_t size) {
  if ((size_t)(aside_end - aside) < HEADER + size) {
    size_t chunk = round_up(HEADER + size, CHUNK);
    char *pages = mmap(aside_end, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return NULL;
    aside = pages;
    aside_end = pages + chunk;
  }
  aside_bytes += size;
  return cut_at(&aside, size);
}

bool bauta_heap_is_whole(void) {
  size_t freed = 0;
  for (size_t i = 0; i < LISTS; i++) {
    for (struct free_block *block = free_lists[i]; block != NULL; block = block->next) {
      if (!is_in_arena(block)) freed += size_of(block);
    }
  }
  return bauta_heap_state.mapped == 0 && freed == aside_bytes;
}

static void *cut(size_t size) {
  struct bauta_heap_state *heap = &bauta_heap_state;
  size_t ordinal = heap->cuts++;
#ifdef BAUTA_TRAINING
  char *apart = bauta_train_on(ordinal, size);
  if (apart != NULL) return cut_at(&apart, size);
#endif
  unsigned use = ordinal < bauta_uses_count ? bauta_uses[ordinal] : BAUTA_UNUSED;
  if (use == BAUTA_FREED) return cut_aside(size);
  if (use != BAUTA_UNUSED) return cut_at(use == BAUTA_WRITTEN ? &heap->written : &heap->read, size);
  if ((size_t)(heap->fresh_end - heap->fresh) < HEADER + size) {  // the rest of the chunk is given up
    char *chunk = map(CHUNK);
    if (chunk == NULL) return NULL;
    bauta_heap_use(chunk, CHUNK);
  }
  void *block = cut_at(&heap->fresh, size);
#ifdef BAUTA_TRAINING
  bauta_train_at(ordinal, block);
#endif
  return block;
}

#define LEAD 16UL  // in front of a block with pages of its own

static void *cut_huge(size_t bytes, size_t *size) {
  *size = round_up(LEAD + bytes, 4096) - LEAD;
  char *pages = map(LEAD + *size);
  if (pages == NULL) return NULL;
  *header_of(pages + LEAD) = *size;
  return pages + LEAD;
}

// A block for so many bytes, and its size; NULL when the system has no more.
static void *take(size_t bytes, size_t *size) {
  if (bytes > HUGE) return cut_huge(bytes, size);
  unsigned list;
  *size = block_size(bytes, &list);
  struct free_block *block = free_lists[list];
  if (block == NULL) return cut(*size);
  free_lists[list] = block->next;
  return block;
}

static void give_back(void *block, size_t size) {
  if (size > HUGE) {
    munmap((char *)block - LEAD, LEAD + size);
    return;
  }
  unsigned list;
  block_size(size, &list);
  struct free_block *free_block = block;
  free_block->next = free_lists[list];
  free_lists[list] = free_block;
}

#endif

// What is kept back of the limit, for the errors that say that memory has run out.
static size_t reserve = 1UL << 20;

// Each refusal gives out a part of the reserve: QuickJS throws null where it cannot make an error.
static void *refuse(JSMallocState *state) {
  const size_t part = 64UL << 10;
  if (reserve > 0) {
    state->malloc_limit += part;
    reserve -= part;
  }
  bauta_heap_exhausted = true;
  return NULL;
}

static void *heap_malloc(JSMallocState *state, size_t bytes) {
  size_t size;
  void *block = NULL;
  if (bytes <= PTRDIFF_MAX && state->malloc_size + bytes <= state->malloc_limit) block = take(bytes, &size);
  if (block == NULL) return refuse(state);
  state->malloc_count++;
  state->malloc_size += size;
  return block;
}

static void heap_free(JSMallocState *state, void *block) {
  if (block == NULL) return;
  size_t size = size_of(block);
  state->malloc_count--;
  state->malloc_size -= size;
  give_back(block, size);
}

static void *heap_realloc(JSMallocState *state, void *block, size_t wanted) {
  if (block == NULL) return wanted == 0 ? NULL : heap_malloc(state, wanted);
  if (wanted == 0) {
    heap_free(state, block);
    return NULL;
  }
  size_t present = size_of(block);
  if (wanted <= present) return block;
  void *moved = heap_malloc(state, wanted);
  if (moved == NULL) return NULL;
  memcpy(moved, block, present);
  heap_free(state, block);
  return moved;
}

const JSMallocFunctions bauta_heap = {heap_malloc, heap_free, heap_realloc, size_of};
