// The host functions of src/sys/host.ts for QuickJS.
#ifndef BAUTA_FUNCTIONS_H
#define BAUTA_FUNCTIONS_H

#include "quickjs.h"

// Adds the global `bautaHost`.
void bauta_add_host(JSContext *context, char **argv);

#endif
