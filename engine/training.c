// Finds which blocks are read and written to; see training.h. Each block has a page of its own, which is inaccessible at first: a
// use of the page is a signal. Then the page may be read, so that a write to it is another signal.
#include "training.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL
#define MOST_BLOCKS (256UL << 10)
// A block above this size is left alone: a call uses a part of it only.
#define LARGEST (PAGE - 16)

static char *pages;
static uint16_t *notes;  // shared with the file, so that they outlast the process however it ends
static unsigned looks;   // how many times bauta_look_again has been called, and bauta_watch
static unsigned *readable_since;  // by ordinal, the look in which the page has become readable

static void *require(void *mapped) {
  if (mapped == MAP_FAILED) abort();
  return mapped;
}

static void *zeros(size_t size) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  return require(mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0));
}

static void begin(void) {
  const char *path = getenv("BAUTA_TRAINING");
  int fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, MOST_BLOCKS * sizeof *notes) < 0) abort();
  notes = require(mmap(NULL, MOST_BLOCKS * sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  close(fd);
  pages = zeros(MOST_BLOCKS * PAGE);
  readable_since = zeros(MOST_BLOCKS * sizeof *readable_since);
}

char *bauta_train_on(size_t ordinal, size_t size) {
  if (looks > 0 || ordinal >= MOST_BLOCKS || size > LARGEST) return NULL;
  if (pages == NULL) begin();
  notes[ordinal] |= (uint16_t)size;
  return pages + ordinal * PAGE;
}

// Of the blocks without pages of their own.
static const void *places[MOST_BLOCKS];
static size_t placed;

void bauta_train_at(size_t ordinal, const void *block) {
  if (ordinal >= MOST_BLOCKS) return;
  places[ordinal] = block;
  placed = ordinal + 1;
}

static void protect(size_t first, size_t count, int how) {
  if (mprotect(pages + first * PAGE, count * PAGE, how) < 0) abort();
}

// The ordinal of the block that has this byte; MOST_BLOCKS or more where no block has it.
static size_t ordinal_of(const void *byte) { return ((uintptr_t)byte - (uintptr_t)pages) / PAGE; }

void bauta_train_freed(const void *block) {
  size_t ordinal = ordinal_of(block);
  for (size_t i = 0; ordinal >= MOST_BLOCKS && i < placed; i++) {
    if (places[i] == block) ordinal = i;
  }
  if (ordinal < MOST_BLOCKS) notes[ordinal] |= BAUTA_FREED;
}

static void note(int signal_number, siginfo_t *info, void *context) {
  (void)context;
  size_t ordinal = ordinal_of(info->si_addr);
  if (ordinal >= MOST_BLOCKS) {  // a mistake of the program: it comes again, and ends the process
    signal(signal_number, SIG_DFL);
    return;
  }
  bool is_write = readable_since[ordinal] == looks;
  notes[ordinal] |= is_write ? BAUTA_WRITTEN : BAUTA_READ;
  readable_since[ordinal] = looks;
  protect(ordinal, 1, is_write ? PROT_READ | PROT_WRITE : PROT_READ);
}

void bauta_watch(void) {
  const struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
  if (sigaction(SIGSEGV, &action, NULL) < 0) abort();
  looks = 1;
  protect(0, MOST_BLOCKS, PROT_NONE);
}

void bauta_look_away(const long arguments[6]) {
  for (int i = 0; i < 6; i++) {
    size_t ordinal = ordinal_of((void *)arguments[i]);
    if (ordinal < MOST_BLOCKS) notes[ordinal] |= BAUTA_WRITTEN;
  }
  protect(0, MOST_BLOCKS, PROT_READ | PROT_WRITE);
}

void bauta_look_again(void) {
  looks++;
  protect(0, MOST_BLOCKS, PROT_NONE);
}
