#ifndef MARTLET_DIGEST_H
#define MARTLET_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/// Adds blocks of 64 bytes to the eight words of a SHA-256 (FIPS 180-4, section 6.2.2), in plain C.
///
/// `bytes` has `count` times 64 bytes and needs no alignment. Thread-safe; no allocation.
void martlet_sha256_portable(uint32_t state[8], const uint8_t *bytes, size_t count);

/// The same with the instructions of the processor. Only where `martlet_sha256_has_instructions` returns 1.
void martlet_sha256_with_instructions(uint32_t state[8], const uint8_t *bytes, size_t count);

/// 1 if the processor has the instructions that are used, which are the SHA extensions of x86-64; else 0.
///
/// The call asks the processor, which takes microseconds in a virtual machine: the caller keeps the answer.
int martlet_sha256_has_instructions(void);

#endif
