#include "base/uuid.h"

#include "base/banned.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void uuid_to_base64(const struct uuid *uuid, char text[UUID_BASE64_SIZE])
{
    uint32_t bits = 0;
    int have = 0;
    size_t out = 0;

    for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
        bits = (bits << 8) | uuid->bytes[i];
        for (have += 8; have >= 6; have -= 6)
            text[out++] = alphabet[(bits >> (have - 6)) & 63];
    }
    text[out++] = alphabet[(bits << (6 - have)) & 63];
    text[out] = '\0';
}

bool uuid_from_base64(struct slice text, struct uuid *uuid)
{
    uint32_t bits = 0;
    int have = 0;
    size_t out = 0;

    if (text.size != UUID_BASE64_SIZE - 1)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        const char *at = text.data[i] == '\0' ? NULL : strchr(alphabet, text.data[i]);

        if (at == NULL)
            return false;
        bits = (bits << 6) | (uint32_t)(at - alphabet);
        have += 6;
        if (have >= 8 && out < sizeof(uuid->bytes)) {
            have -= 8;
            uuid->bytes[out++] = (uint8_t)(bits >> have);
        }
    }
    return out == sizeof(uuid->bytes);
}

void uuid_to_hex(const struct uuid *uuid, char text[UUID_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t out = 0;

    for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[out++] = '-';
        text[out++] = digits[uuid->bytes[i] >> 4];
        text[out++] = digits[uuid->bytes[i] & 15];
    }
    text[out] = '\0';
}

bool uuid_is_zero(const struct uuid *uuid)
{
    static const struct uuid zero;
    return memcmp(uuid, &zero, sizeof(zero)) == 0;
}
