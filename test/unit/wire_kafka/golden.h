/* test/unit/wire_kafka/golden.h: recorded bytes of the real broker, from test/golden. GOLDEN is that folder. */
#ifndef TEST_GOLDEN_H
#define TEST_GOLDEN_H

#include "base/buffer.h"

/* The whole file, with a NUL behind it; the test ends when it is not there. */
static inline struct buffer golden_read(const char *name)
{
    char path[512];
    struct buffer buffer;
    FILE *file;
    int byte;

    (void)snprintf(path, sizeof(path), "%s/%s", GOLDEN, name);
    file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    buffer_init(&buffer, 1u << 24);
    while ((byte = fgetc(file)) != EOF)
        buffer_append_u8(&buffer, (uint8_t)byte);
    fclose(file);
    buffer_append_u8(&buffer, 0);
    buffer.size--;
    return buffer;
}

/* Appends the bytes of pairs of hexadecimal digits up to `end`; blanks between them are skipped. */
static inline void golden_append_hex(struct buffer *out, const char *at, const char *end)
{
    while (at < end) {
        unsigned byte;

        if (*at == ' ') {
            at++;
            continue;
        }
        if (sscanf(at, "%2x", &byte) != 1)
            fail_msg("not hexadecimal: %.20s", at);
        buffer_append_u8(out, (uint8_t)byte);
        at += 2;
    }
}

#endif
