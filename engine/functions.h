// The engine functions of src/sys/engine.ts for QuickJS.
#ifndef BAUTA_FUNCTIONS_H
#define BAUTA_FUNCTIONS_H

#include "quickjs.h"

// Adds the global `bautaEngine`, but for its `args`. Those of its functions that ask the system throw yet.
void bauta_add_engine(JSContext *context);

// Sets its `args`, and lets all its functions work.
void bauta_start_engine(JSContext *context, char **argv);

#endif
