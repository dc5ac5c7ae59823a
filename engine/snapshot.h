// The heap as it is after all module-level code of the bundle has run, inside the executable: a process begins where the build
// left off. docs/adr/0001-engine.md has a picture.
//
// A snapshot works because nothing in it moves: the executable is linked to fixed addresses (no PIE), twice with the same layout,
// first with the bytecode and an empty arena, then with the arena as the first one has left it and no bytecode. Pages of
// the arena come from the file as they are used, and a page that is written to becomes the process's own copy.
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

// Whether the executable still has the bytecode, and so no snapshot.
bool bauta_has_bytecode(void);

// Has the heap take its memory from the arena. To be called before anything is allocated.
void bauta_begin_snapshot(void);

// Writes the arena to standard output. Returns -1 with errno set; ENOSPC where the arena was too small.
int bauta_write_snapshot(struct bauta_ready ready);

// Goes on with the heap in the arena. Blocks of the arena that were free stay unused. The executable must have a snapshot. With
// `prepare` the pages that an operation on a container writes to are made ready in one call, which is quicker than one by one.
struct bauta_ready bauta_take_snapshot(bool prepare);

#endif
