// The host functions of src/sys/host.ts for QuickJS.
#ifndef BAUTA_FUNCTIONS_H
#define BAUTA_FUNCTIONS_H

#include "quickjs.h"

// Adds the global `bautaHost`, but for its `args`. Those of its functions that ask the system throw yet.
void bauta_add_host(JSContext *context);

// Sets its `args`, and lets all its functions work.
void bauta_start_host(JSContext *context, char **argv);

#endif
