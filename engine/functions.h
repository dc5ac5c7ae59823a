// The engine functions of src/sys/engine.ts for QuickJS.
#ifndef BAUTA_FUNCTIONS_H
#define BAUTA_FUNCTIONS_H

#include "quickjs.h"

// Adds the global `bautaEngine` without its `args`. Functions that ask the system throw until bauta_start_engine.
void bauta_add_engine(JSContext *context);

// Sets its `args`, and lets all its functions work.
void bauta_start_engine(JSContext *context, char **argv);

#endif
