// UTF-8; see text.h.
#include "text.h"

#include <string.h>

// The length of the sequence that begins here; for an ill-formed one, the negated length of its maximal part.
static int sequence(const uint8_t *at, const uint8_t *end) {
  uint8_t first = at[0];
  if (first < 0x80) return 1;
  int length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return -1;
  // Table 3-7: the second byte is what rules out overlong forms, surrogates and what is above U+10FFFF.
  uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  for (int i = 1; i < length; i++) {
    if (at + i == end || at[i] < low || at[i] > high) return -i;
    low = 0x80;
    high = 0xbf;
  }
  return length;
}

bool bauta_is_utf8(const uint8_t *bytes, size_t length) {
  const uint8_t *end = bytes + length;
  while (bytes < end) {
    int step = sequence(bytes, end);
    if (step < 0) return false;
    bytes += step;
  }
  return true;
}

size_t bauta_repair_utf8(const uint8_t *bytes, size_t length, uint8_t *repaired) {
  const uint8_t *end = bytes + length;
  uint8_t *to = repaired;
  while (bytes < end) {
    int step = sequence(bytes, end);
    if (step > 0) {
      memcpy(to, bytes, (size_t)step);
      to += step;
      bytes += step;
    } else {
      memcpy(to, "\xef\xbf\xbd", 3);
      to += 3;
      bytes -= step;
    }
  }
  return (size_t)(to - repaired);
}

void bauta_replace_surrogates(uint8_t *bytes, size_t length) {
  for (size_t i = 0; i + 2 < length; i++) {
    if (bytes[i] == 0xed && bytes[i + 1] >= 0xa0) memcpy(bytes + i, "\xef\xbf\xbd", 3);
  }
}
