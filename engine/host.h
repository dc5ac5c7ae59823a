// The core of the engine functions: what the kernel does for bauta, in terms of C alone. quickjs.c and napi.c bind it to
// their engines; nothing here knows JavaScript.
#ifndef BAUTA_HOST_H
#define BAUTA_HOST_H

#include <stddef.h>
#include <stdint.h>

#define BAUTA_SYSCALL_ARGUMENTS 6

#if defined(__x86_64__)
#define BAUTA_ARCH "x64"
#elif defined(__aarch64__)
#define BAUTA_ARCH "arm64"
#else
#error "bauta knows the system call numbers of x86-64 and arm64 only"
#endif

// What the kernel returned, or the negated errno.
long bauta_syscall(long number, const long arguments[BAUTA_SYSCALL_ARGUMENTS]);

struct bauta_child {
  // In.
  const char *path;
  char **argv;         // ends with NULL
  char **environment;  // ends with NULL
  const uint8_t *input;
  size_t input_length;
  size_t output_limit;
  long timeout;      // in milliseconds; 0: it may run for ever
  long error_limit;  // of standard error so many bytes are collected, and the rest is dropped; negative: it is inherited
  // Out, when bauta_spawn returned 0. The caller frees `output` and `error`.
  uint8_t *output;
  size_t output_length;
  uint8_t *error;
  size_t error_length;
  int status;
  int signal;
};

// Runs a program to its end: gives it `input` on standard input and collects its standard output, and its standard error
// where that is asked for. Every descriptor above 2 is closed in the child, and SIGPIPE and SIGXFSZ do there what they do
// by default. A child with a timeout leads a process group of its own, which is killed as a whole when the time is over:
// that is -ETIMEDOUT. Returns 0; or the negated errno when it could not be started; or -EMSGSIZE when it printed more than
// `output_limit` bytes, for which it is killed. The calling process must ignore SIGPIPE and must not ignore SIGCHLD.
int bauta_spawn(struct bauta_child *child);

#endif
