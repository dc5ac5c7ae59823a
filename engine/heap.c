// An allocator for processes that live for milliseconds. Blocks are cut one after the other from fresh memory, which touches as
// few pages as possible (a page costs more than a microsecond on a virtual machine). Freed blocks wait in lists by size.
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

#ifndef MADV_POPULATE_WRITE  // include/uapi/asm-generic/mman-common.h, since Linux 5.14
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define CHUNK (1UL << 20)
#define USUAL (256UL << 10)  // a bridge ADD takes about as much, most other operations less
#define UNIT 8UL  // what QuickJS keeps in a block is aligned to 8 bytes at the most
#define SMALL 1024UL  // up to this size a list for each multiple of the unit, above it eight for each power of two
#define HUGE (256UL << 10)  // a block above this size has pages of its own

struct block {
  size_t size;  // with this header; the bytes that the caller has come after it
  struct block *next;  // only while the block is free
};
#define HEADER offsetof(struct block, next)

bool bauta_heap_exhausted;

static struct block *block_of(const void *bytes) { return (struct block *)((char *)bytes - HEADER); }

#ifdef BAUTA_SYSTEM_MALLOC  // which the address sanitizer watches, to the byte

static struct block *take(size_t bytes, size_t *size) {
  *size = bytes + HEADER;
  char *memory = malloc(*size + 16 - HEADER);
  return memory == NULL ? NULL : (struct block *)(memory + 16 - HEADER);
}

static void give_back(struct block *block) { free((char *)block + HEADER - 16); }

#else

#define LISTS 256

struct bauta_heap_state bauta_heap_state;
static struct block *free_lists[LISTS];

static size_t round_up(size_t size, size_t unit) { return (size + unit - 1) & ~(unit - 1); }

// The size of the block for so many bytes, and the list where such blocks wait.
static size_t block_size(size_t bytes, unsigned *list) {
  size_t size = round_up(bytes + HEADER, UNIT);
  if (size < sizeof(struct block)) size = sizeof(struct block);
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

static void *map(size_t size) {
  bauta_heap_state.mapped += size;
  void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? NULL : pages;
}

void bauta_heap_use(char *memory, size_t size) {
  bauta_heap_state.fresh = memory + 16 - HEADER;
  bauta_heap_state.fresh_end = memory + size;
}

static void populate(const char *from, size_t size, int how) {
  char *page = (char *)((uintptr_t)from & ~4095UL);
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
    for (struct block *block = free_lists[i]; block != NULL; block = block->next) bauta_train_freed(block);
  }
#endif
  memset(free_lists, 0, sizeof free_lists);
}

// Memory outside of the snapshot, for the blocks that have been given back when the snapshot is written. Their neighbours may still
// have their addresses, so these are the same each time: two builds make the same snapshot. Nothing else is mapped there.
#define ASIDE ((char *)(4UL << 30))
static char *aside = ASIDE, *aside_end = ASIDE;
static size_t aside_bytes;

static struct block *cut_aside(size_t size) {
  if ((size_t)(aside_end - aside) < size + 16) {
    size_t chunk = round_up(size + 16, CHUNK);
    char *pages = mmap(aside_end, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return NULL;
    aside = pages + 16 - HEADER;
    aside_end = pages + chunk;
  }
  struct block *block = (struct block *)aside;
  aside += size;
  aside_bytes += size;
  return block;
}

bool bauta_heap_is_whole(const char *arena, size_t arena_size) {
  size_t freed = 0;
  for (size_t i = 0; i < LISTS; i++) {
    for (struct block *block = free_lists[i]; block != NULL; block = block->next) {
      bool is_inside = (char *)block >= arena && (char *)block < arena + arena_size;
      if (!is_inside) freed += block->size;
    }
  }
  return bauta_heap_state.mapped == 0 && freed == aside_bytes;
}

static struct block *cut(size_t size) {
  struct bauta_heap_state *heap = &bauta_heap_state;
  size_t ordinal = heap->cuts++;
#ifdef BAUTA_TRAINING
  struct block *apart = bauta_train_on(ordinal, size);
  if (apart != NULL) return apart;
#endif
  unsigned use = ordinal < bauta_uses_count ? bauta_uses[ordinal] : BAUTA_UNUSED;
  if (use == BAUTA_FREED) return cut_aside(size);
  if (use != BAUTA_UNUSED) {
    char **next = use == BAUTA_WRITTEN ? &heap->written : &heap->read;
    struct block *block = (struct block *)*next;
    *next += size;
    return block;
  }
  if ((size_t)(heap->fresh_end - heap->fresh) < size + 16) {  // the rest of the chunk is given up
    char *chunk = map(CHUNK);
    if (chunk == NULL) return NULL;
    bauta_heap_use(chunk, CHUNK);
  }
  struct block *block = (struct block *)heap->fresh;
  heap->fresh += size;
#ifdef BAUTA_TRAINING
  bauta_train_at(ordinal, block);
#endif
  return block;
}

// Pages of its own: the block begins so that the caller's bytes are aligned.
static struct block *cut_huge(size_t bytes, size_t *size) {
  *size = round_up(bytes + 16, 4096) - (16 - HEADER);
  char *pages = map(*size + 16 - HEADER);
  return pages == NULL ? NULL : (struct block *)(pages + 16 - HEADER);
}

// A block for so many bytes, and its size; NULL when the system has no more.
static struct block *take(size_t bytes, size_t *size) {
  if (bytes + HEADER > HUGE) return cut_huge(bytes, size);
  unsigned list;
  *size = block_size(bytes, &list);
  struct block *block = free_lists[list];
  if (block == NULL) return cut(*size);
  free_lists[list] = block->next;
  return block;
}

static void give_back(struct block *block) {
  if (block->size > HUGE) {
    munmap((char *)block + HEADER - 16, block->size + 16 - HEADER);
    return;
  }
  unsigned list;
  block_size(block->size - HEADER, &list);
  block->next = free_lists[list];
  free_lists[list] = block;
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
  struct block *block = NULL;
  if (bytes <= PTRDIFF_MAX && state->malloc_size + bytes <= state->malloc_limit) block = take(bytes, &size);
  if (block == NULL) return refuse(state);
  block->size = size;
  state->malloc_count++;
  state->malloc_size += size;
  return (char *)block + HEADER;
}

static void heap_free(JSMallocState *state, void *bytes) {
  if (bytes == NULL) return;
  struct block *block = block_of(bytes);
  state->malloc_count--;
  state->malloc_size -= block->size;
  give_back(block);
}

static void *heap_realloc(JSMallocState *state, void *bytes, size_t wanted) {
  if (bytes == NULL) return wanted == 0 ? NULL : heap_malloc(state, wanted);
  if (wanted == 0) {
    heap_free(state, bytes);
    return NULL;
  }
  size_t present = block_of(bytes)->size - HEADER;
  if (wanted <= present) return bytes;
  void *moved = heap_malloc(state, wanted);
  if (moved == NULL) return NULL;
  memcpy(moved, bytes, present);
  heap_free(state, bytes);
  return moved;
}

static size_t heap_usable_size(const void *bytes) { return block_of(bytes)->size - HEADER; }

const JSMallocFunctions bauta_heap = {heap_malloc, heap_free, heap_realloc, heap_usable_size};
