#include "wire/json/base64.h"

#include "base/banned.h"

static const char alphabets[2][65] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};

void base64_write(uint8_t *to, const uint8_t *bytes, size_t size, enum base64_alphabet alphabet)
{
    const char *letters = alphabets[alphabet];

    for (; size >= 3; size -= 3, bytes += 3, to += 4) {
        uint32_t three = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];

        to[0] = (uint8_t)letters[three >> 18];
        to[1] = (uint8_t)letters[three >> 12 & 63];
        to[2] = (uint8_t)letters[three >> 6 & 63];
        to[3] = (uint8_t)letters[three & 63];
    }
    if (size > 0) {
        uint32_t rest = (uint32_t)bytes[0] << 16 | (size == 2 ? (uint32_t)bytes[1] << 8 : 0);

        to[0] = (uint8_t)letters[rest >> 18];
        to[1] = (uint8_t)letters[rest >> 12 & 63];
        to[2] = size == 2 ? (uint8_t)letters[rest >> 6 & 63] : '=';
        to[3] = '=';
    }
}

void base64_append(struct buffer *out, struct slice bytes, enum base64_alphabet alphabet)
{
    uint8_t *to = buffer_reserve(out, base64_size(bytes.size));

    if (to == NULL)
        return;
    base64_write(to, bytes.data, bytes.size, alphabet);
    out->size += base64_size(bytes.size);
}

static int letter_value(uint8_t letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9')
        return letter - '0' + 52;
    if (letter == '+')
        return 62;
    return letter == '/' ? 63 : -1;
}

bool base64_decode(struct buffer *out, struct slice text)
{
    if (text.size % 4 != 0)
        return false;
    for (size_t i = 0; i < text.size; i += 4) {
        const uint8_t *four = text.data + i;
        bool last = i + 4 == text.size;
        size_t padding = !last || four[3] != '=' ? 0 : four[2] == '=' ? 2 : 1;
        uint32_t three = 0;

        for (size_t j = 0; j < 4; j++) {
            int value = j >= 4 - padding ? 0 : letter_value(four[j]);

            if (value < 0)
                return false;
            three = three << 6 | (uint32_t)value;
        }
        for (size_t j = 0; j < 3 - padding; j++)
            buffer_append_u8(out, (uint8_t)(three >> (16 - 8 * j)));
    }
    return true;
}
