// Walking over netlink attributes: struct nlattr { u16 nla_len; u16 nla_type; }, the payload, padding to four bytes
// (include/uapi/linux/netlink.h). A link has sixty of them, and the interpreter takes fifty steps for each.
#ifndef BAUTA_ATTRIBUTES_H
#define BAUTA_ATTRIBUTES_H

#include <stddef.h>
#include <stdint.h>

// One attribute. `type` has its flag bits; the payload is between the offsets `start` and `end`.
struct bauta_attribute {
  int32_t type;
  int32_t start;
  int32_t end;
};

// Reads the attribute at the offset `*at` of `bytes`, of which `to` is the end, and moves `*at` to where the next one would
// begin. Returns 1; or 0 where no header is left; or -1, with `*at` as it was, where the attribute's length does not fit.
int bauta_next_attribute(const uint8_t *bytes, size_t to, size_t *at, struct bauta_attribute *attribute);

#endif
