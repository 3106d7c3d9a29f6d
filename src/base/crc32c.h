/* base/crc32c.h: CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of Kafka's record batches. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include "base/slice.h"

/* crc32c(0, "123456789") is 0xe3069283; crc32c(crc32c(0, a), b) is that of a and b together. */
uint32_t crc32c(uint32_t crc, struct slice bytes);

#endif
