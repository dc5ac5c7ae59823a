// The host functions of src/sys/host.ts for QuickJS.
#ifndef BAUTA_FUNCTIONS_H
#define BAUTA_FUNCTIONS_H

#include "bundles.h"
#include "quickjs.h"

// Adds the global `bautaHost`. The bundle is the one whose line map mapStack reads.
void bauta_add_host(JSContext *context, const struct bauta_bundle *bundle, int argc, char **argv);

#endif
