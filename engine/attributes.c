#include "attributes.h"

#include <string.h>

#define HEADER 4

int bauta_next_attribute(const uint8_t *bytes, size_t to, size_t *at, struct bauta_attribute *attribute) {
  uint16_t header[2];  // as the machine has them: netlink is in the byte order of the node
  if (to < HEADER || *at > to - HEADER) return 0;  // the kernel, too, passes over up to three bytes at the end
  memcpy(header, bytes + *at, sizeof header);
  if (header[0] < HEADER || header[0] > to - *at) return -1;
  attribute->type = header[1];
  attribute->start = (int32_t)(*at + HEADER);
  attribute->end = (int32_t)(*at + header[0]);
  *at += (header[0] + 3UL) & ~3UL;
  return 1;
}
