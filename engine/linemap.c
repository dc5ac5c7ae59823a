// Positions in a bundle, back to TypeScript.
//
// The line map has a byte for each line of the bundle: how many lines further down it is in the same source file than
// the bundle's line before; or 255 and then the source file's index and the line there, 16 bits each, little-endian.
// engine/linemap.mjs writes it.
#include <stdio.h>
#include <string.h>

#include "image.h"
#include "text.h"

#define BUNDLE_FILE "bundle.js:"
#define JUMP 255

struct position {
  uint32_t source;
  uint32_t line;  // from 1; 0 is none
};

static struct position find(uint32_t wanted) {
  struct position at = {0, 0};
  const uint8_t *byte = bauta_line_map, *end = byte + bauta_line_map_size;
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

// Reads the word; returns where it ends, or NULL where something else is.
static const char *word(const char *at, const char *end, const char *word) {
  size_t length = strlen(word);
  return (size_t)(end - at) >= length && memcmp(at, word, length) == 0 ? at + length : NULL;
}

// Reads `bundle.js:1234`; returns where it ends, or NULL where something else is.
static const char *position_at(const char *at, const char *end, struct position *position) {
  uint32_t line;
  const char *after = word(at, end, BUNDLE_FILE);
  if (after == NULL) return NULL;
  after = digits(after, end, &line);
  *position = find(line);
  return position->line == 0 ? NULL : after;
}

void bauta_map_stack(const char *stack, size_t length, bauta_put *put, void *to) {
  const char *end = stack + length, *start = stack;
  for (const char *at = stack; at < end; at++) {
    struct position position;
    uint32_t column;
    const char *after = position_at(at, end, &position);
    if (after == NULL) continue;
    char number[16];
    const char *source = bauta_sources[position.source];
    put(to, start, (size_t)(at - start));
    put(to, source, strlen(source));
    put(to, number, (size_t)snprintf(number, sizeof number, ":%u", (unsigned)position.line));
    start = after < end && *after == ':' ? digits(after + 1, end, &column) : after;
    at = start - 1;
  }
  put(to, start, (size_t)(end - start));
}
