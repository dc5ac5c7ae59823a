/* A recording: the system calls of one process, in order, with all that their pointer arguments pointed to. record.c
 * writes it, replay.c makes the calls again, recording.mjs names them. Native byte order; it never leaves the machine. */
#ifndef BAUTA_RECORDING_H
#define BAUTA_RECORDING_H

#include <stdint.h>

#define RECORDING_ARGUMENTS 6
#define RECORDING_NAME 24
/* The argument is a plain number. */
#define RECORDING_PLAIN UINT32_MAX

/* Followed by, for each argument that is a pointer, its `lengths` bytes: what the kernel was given, and as much room as
 * it was given for an answer. */
struct recorded_call {
  char name[RECORDING_NAME];
  int64_t number;
  int64_t result; /* or a negated errno */
  uint64_t arguments[RECORDING_ARGUMENTS];
  uint32_t lengths[RECORDING_ARGUMENTS];
  uint32_t answer_length; /* what the kernel wrote to the argument `answer`, after the others */
  int32_t answer;         /* or -1 */
};

#endif
