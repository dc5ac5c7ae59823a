// Positions in a bundle, back to TypeScript.
//
// The line map has a byte for each line of the bundle: how many lines further down it is in the same source file than
// the bundle's line before; or 255 and then the source file's index and the line there, 16 bits each, little-endian.
// engine/linemap.mjs writes it.
#include <stdio.h>
#include <string.h>

#include "text.h"

#define BUNDLE_FILE "bundle.js:"
#define JUMP 255

struct position {
  uint32_t source;
  uint32_t line;  // from 1; 0 is none
};

static struct position find(const struct bauta_bundle *bundle, uint32_t wanted) {
  struct position at = {0, 0};
  const uint8_t *byte = bundle->line_map, *end = byte + *bundle->line_map_size;
  for (uint32_t line = 0; line < wanted; line++) {
    if (byte == end) return (struct position){0, 0};
    if (*byte == JUMP) {
      at = (struct position){byte[1] | (uint32_t)byte[2] << 8, byte[3] | (uint32_t)byte[4] << 8};
      byte += 5;
    } else {
      at.line += *byte++;
    }
  }
  return at;
}

// Reads digits; returns where they end.
static const char *digits(const char *at, const char *end, uint32_t *value) {
  *value = 0;
  for (; at < end && *at >= '0' && *at <= '9'; at++) *value = *value * 10 + (uint32_t)(*at - '0');
  return at;
}

void bauta_map_stack(const struct bauta_bundle *bundle, const char *stack, size_t length, bauta_put *put, void *to) {
  const char *end = stack + length, *start = stack;
  const size_t name_length = strlen(BUNDLE_FILE);
  for (const char *at = stack; at < end;) {
    uint32_t line, column;
    if ((size_t)(end - at) < name_length || memcmp(at, BUNDLE_FILE, name_length) != 0) {
      at++;
      continue;
    }
    const char *after = digits(at + name_length, end, &line);
    struct position position = find(bundle, line);
    if (position.line != 0) {
      char number[16];
      const char *source = bundle->sources[position.source];
      put(to, start, (size_t)(at - start));
      put(to, source, strlen(source));
      put(to, number, (size_t)snprintf(number, sizeof number, ":%u", (unsigned)position.line));
      start = after < end && *after == ':' ? digits(after + 1, end, &column) : after;
    }
    at = after;
  }
  put(to, start, (size_t)(end - start));
}
