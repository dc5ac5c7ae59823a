// UTF-8 and stack traces, as far as they must work without the engine's heap.
#ifndef BAUTA_TEXT_H
#define BAUTA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Whether all of it is well-formed UTF-8 (Unicode 15, table 3-7).
bool bauta_is_utf8(const uint8_t *bytes, size_t length);

// Copies to `repaired`, which has room for 3 * length bytes, with U+FFFD for each maximal ill-formed part, as the WHATWG
// decoder and V8 do. Returns the length of the copy.
size_t bauta_repair_utf8(const uint8_t *bytes, size_t length, uint8_t *repaired);

// Puts U+FFFD, in place, where the engine wrote a lone surrogate as three bytes (ED A0 80 to ED BF BF).
void bauta_replace_surrogates(uint8_t *bytes, size_t length);

// A sink for text.
typedef void bauta_put(void *to, const char *bytes, size_t length);

// Puts the stack trace with every position in the bundle, `bundle-7.js:1234:5`, as the TypeScript line that it was
// compiled from, `src/plugins/bridge.ts:34`.
void bauta_map_stack(const char *stack, size_t length, bauta_put *put, void *to);

#endif
