/* base/uuid.h: 16-byte identifiers and their two text forms. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include "base/slice.h"

struct uuid {
    uint8_t bytes[16]; /* most significant first; all zero means "none" */
};

#define UUID_BASE64_SIZE 23 /* 22 characters and a NUL */
#define UUID_HEX_SIZE 37    /* 36 characters and a NUL */

/* URL-safe base64 without padding, as Kafka prints topic ids. */
void uuid_to_base64(const struct uuid *uuid, char text[UUID_BASE64_SIZE]);
bool uuid_from_base64(struct slice text, struct uuid *uuid); /* false when it is not one */

/* 8-4-4-4-12 lower-case hexadecimal. */
void uuid_to_hex(const struct uuid *uuid, char text[UUID_HEX_SIZE]);

bool uuid_is_zero(const struct uuid *uuid);

#endif
