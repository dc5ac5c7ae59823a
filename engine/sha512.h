// SHA-512 (FIPS 180-4): the names of what upstream's plugins leave are made of it, and so are ours.
#ifndef BAUTA_SHA512_H
#define BAUTA_SHA512_H

#include <stddef.h>
#include <stdint.h>

#define BAUTA_SHA512_SIZE 64

// Writes the digest of `length` bytes.
void bauta_sha512(const uint8_t *bytes, size_t length, uint8_t digest[BAUTA_SHA512_SIZE]);

#endif
