// The heap as it is after all of the bundle's module-level code has run, kept inside the executable: a process begins
// where the build left off.
//
// It works because nothing in it moves: the executable is linked to fixed addresses (no PIE), twice with the same layout,
// first with the bytecode and an empty arena, then with the arena as the first one has left it and no bytecode. Pages of
// the arena come from the file as they are used, and what is written is the process's own copy.
#ifndef BAUTA_SNAPSHOT_H
#define BAUTA_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "quickjs.h"

// What the engine has once it is ready to run a program.
struct bauta_ready {
  JSContext *context;
  JSValue find_program;  // a function: from the name that the executable is called by to a program
};

// Whether the executable has the bytecode still, which means that it has no snapshot.
bool bauta_has_bytecode(void);

// Has the heap take its memory from the arena. To be called before anything is allocated.
void bauta_begin_snapshot(void);

// Writes the arena to standard output. Returns -1 with errno set; ENOSPC where the arena was too small.
int bauta_write_snapshot(struct bauta_ready ready);

// Goes on with the heap in the arena; freed blocks of it wait for nobody. The executable must have a snapshot. With
// `prepare` the pages that an operation on a container writes to are made ready at once, which is quicker than one by one.
struct bauta_ready bauta_take_snapshot(bool prepare);

#endif
