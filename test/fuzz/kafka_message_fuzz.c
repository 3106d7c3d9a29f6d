/* Any message in any version: what decodes must encode to bytes that decode to the same. First byte: which; second: version. */
#include "wire/kafka/codec_internal.h"

#include "base/banned.h"

static const struct wire_message *message_at(unsigned index)
{
    static const struct wire_message *all[512];
    static unsigned count;

    if (count == 0) {
        for (const struct wire_message *message = wire_message_next(NULL); message != NULL; message = wire_message_next(message))
            all[count++] = message;
    }
    return all[index % count];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) uint8_t first[8192], second[8192];
    const struct wire_message *message;
    struct buffer once, twice;
    struct arena arena;
    int version;

    if (size < 2)
        return 0;
    message = message_at(data[0]);
    version = message->first + data[1] % (message->last - message->first + 1);
    arena_init(&arena, 4096);
    buffer_init(&once, 1u << 24);
    buffer_init(&twice, 1u << 24);
    if (wire_decode(message, version, slice_of(data + 2, size - 2), &arena, first, NULL) == OK) {
        wire_print(message, version, first, &once);
        buffer_reset(&once);
        wire_encode(message, version, first, &once);
        if (once.failed || wire_decode(message, version, buffer_slice(&once), &arena, second, NULL) != OK)
            abort();
        wire_encode(message, version, second, &twice);
        if (!slice_equal(buffer_slice(&once), buffer_slice(&twice)))
            abort();
    }
    buffer_finish(&once);
    buffer_finish(&twice);
    arena_finish(&arena);
    return 0;
}
