// Which blocks are written to; see training.h. A page of each one's own is made read-only: a write is a signal.
#include "training.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL
#define MOST_BLOCKS (256UL << 10)
// Above this size a block is left alone. Among these are the buffers that the kernel writes to, which would be EFAULT.
#define LARGEST 1024UL

static char *pages;
static uint16_t *notes;  // shared with the file, so that they outlast the process however it ends
static bool watching;

static void *require(void *mapped) {
  if (mapped == MAP_FAILED) abort();
  return mapped;
}

static void begin(void) {
  const char *path = getenv("BAUTA_TRAINING");
  int fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, MOST_BLOCKS * sizeof *notes) < 0) abort();
  notes = require(mmap(NULL, MOST_BLOCKS * sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  close(fd);
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  pages = require(mmap(NULL, MOST_BLOCKS * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0));
}

void *bauta_train_on(size_t ordinal, size_t size) {
  if (watching || ordinal >= MOST_BLOCKS || size > LARGEST) return NULL;
  if (pages == NULL) begin();
  notes[ordinal] |= (uint16_t)size;
  return pages + ordinal * PAGE + 8;  // the caller's bytes, behind the header, are at a multiple of 16
}

static void note(int signal_number, siginfo_t *info, void *context) {
  (void)context;
  size_t ordinal = (size_t)((char *)info->si_addr - pages) / PAGE;
  if (ordinal >= MOST_BLOCKS) {  // a fault of the usual kind: to come again, and end the process
    signal(signal_number, SIG_DFL);
    return;
  }
  notes[ordinal] |= 1;
  mprotect(pages + ordinal * PAGE, PAGE, PROT_READ | PROT_WRITE);
}

void bauta_watch(void) {
  const struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
  watching = true;
  if (sigaction(SIGSEGV, &action, NULL) < 0 || mprotect(pages, MOST_BLOCKS * PAGE, PROT_READ) < 0) abort();
}
