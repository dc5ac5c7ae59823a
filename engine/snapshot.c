// The heap inside the executable; see snapshot.h. The bytecode and the arena are in image.c.
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heap.h"
#include "image.h"

bool bauta_has_bytecode(void) { return bauta_bytecode_size > 0; }

#ifndef BAUTA_SYSTEM_MALLOC

// The address of one thing of each section that pointers in the heap lead to.
#define LANDMARKS {(const void *)JS_NewRuntime2, (const void *)bauta_take_snapshot, bauta_sources, &bauta_heap, \
                   &bauta_heap_state}
#define LANDMARK_COUNT 5

// The beginning of the arena.
struct snapshot {
  const void *landmarks[LANDMARK_COUNT];
  size_t written;  // the end of the blocks that calls write to (training.h)
  size_t read;     // the end of the blocks that calls only read, which lie behind those
  size_t borders;  // the end of all blocks, where the map of their borders begins (heap.h)
  struct bauta_ready ready;
};

// How much of the stack a call uses.
#define STACK (48UL << 10)

#define HEAD sizeof(struct snapshot)

// The map of the borders of so many bytes, in whole words.
static size_t borders_size(size_t bytes) { return (bytes / BAUTA_HEAP_UNIT / 64 + 1) * sizeof(uint64_t); }

void bauta_begin_snapshot(void) {
  size_t begin = HEAD + bauta_written_bytes + bauta_read_bytes, end = bauta_arena_size - borders_size(bauta_arena_size);
  bauta_heap_state.written = bauta_arena + HEAD;
  bauta_heap_state.read = bauta_heap_state.written + bauta_written_bytes;
  bauta_heap_state.borders = (uint64_t *)(bauta_arena + end);
  bauta_heap_use(bauta_arena + begin, end - begin);
}

static int write_all(const char *at, size_t size) {
  for (const char *end = at + size; at < end;) {
    ssize_t count = write(STDOUT_FILENO, at, (size_t)(end - at));
    if (count < 0) return -1;
    at += count;
  }
  return 0;
}

int bauta_write_snapshot(struct bauta_ready ready) {
  if (!bauta_heap_is_whole()) {
    errno = ENOSPC;
    return -1;
  }
  // The training may have been on another kind of machine (build.mjs, --machine). Were blocks of another size there, they would lie
  // on top of each other here.
  const char *written_end = bauta_arena + HEAD + bauta_written_bytes;
  if (bauta_heap_state.written != written_end || bauta_heap_state.read != written_end + bauta_read_bytes) {
    errno = EBADMSG;
    return -1;
  }
  // All new blocks will come from a chunk outside, not from gaps in the arena: each page of the arena that is written to has to be
  // copied.
  size_t size = (size_t)(bauta_heap_state.fresh - bauta_arena), written = HEAD + bauta_written_bytes;
  struct snapshot *snapshot = (struct snapshot *)bauta_arena;
  *snapshot = (struct snapshot){.landmarks = LANDMARKS,
                                .written = written,
                                .read = written + bauta_read_bytes,
                                .borders = size,
                                .ready = ready};
  if (write_all(bauta_arena, size) < 0) return -1;
  return write_all((const char *)bauta_heap_state.borders, borders_size(size));
}

struct bauta_ready bauta_take_snapshot(bool prepare) {
  static const void *const landmarks[] = LANDMARKS;
  const struct snapshot *snapshot = (const struct snapshot *)bauta_arena;
  if (memcmp(snapshot->landmarks, landmarks, sizeof landmarks) != 0) abort();
  bauta_heap_state.borders = (uint64_t *)(bauta_arena + snapshot->borders);
  if (prepare) {
    const char *here = __builtin_frame_address(0);
    bauta_make_ready(here - STACK, STACK);
    bauta_make_ready(bauta_arena, snapshot->written);
    bauta_make_readable(bauta_arena + snapshot->written, snapshot->read - snapshot->written);
    bauta_heap_prepare();
  }
  return snapshot->ready;
}

#endif
