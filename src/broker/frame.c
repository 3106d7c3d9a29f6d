#include "broker/frame.h"

#include "base/banned.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define BYTES_FIRST ((size_t)1024 * 1024) /* taken at once for a frame; the rest when bytes have come */

size_t frame_room(struct frame *frame, uint8_t **to)
{
    if (frame->bytes == NULL) {
        *to = frame->size_bytes + frame->size_have;
        return sizeof(frame->size_bytes) - frame->size_have;
    }
    if (frame->have == frame->capacity && frame->capacity < frame->size) {
        frame->capacity = frame->capacity * 2 < frame->size ? frame->capacity * 2 : frame->size;
        frame->bytes = memory_resize(frame->bytes, frame->capacity);
    }
    *to = frame->bytes + frame->have;
    return frame->capacity - frame->have;
}

static int32_t size_read(const struct frame *frame)
{
    const uint8_t *bytes = frame->size_bytes;

    return (int32_t)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3]);
}

enum frame_state frame_advance(struct frame *frame, size_t count, int32_t size_max)
{
    if (frame->bytes == NULL) {
        int32_t size;

        frame->size_have += count;
        if (frame->size_have < sizeof(frame->size_bytes))
            return FRAME_PART;
        size = size_read(frame);
        if (size < 0 || size > size_max)
            return FRAME_REFUSED;
        frame->size = (size_t)size;
        frame->have = 0;
        frame->capacity = frame->size < BYTES_FIRST ? frame->size : BYTES_FIRST;
        frame->bytes = memory_resize(NULL, frame->capacity);
    } else {
        frame->have += count;
    }
    return frame->have == frame->size ? FRAME_WHOLE : FRAME_PART;
}

uint8_t *frame_take(struct frame *frame, size_t *size)
{
    uint8_t *bytes = frame->bytes;

    *size = frame->size;
    frame->bytes = NULL;
    frame->size_have = 0;
    return bytes;
}

void frame_finish(struct frame *frame)
{
    memory_free(frame->bytes);
    frame->bytes = NULL;
}

void frame_explain(const struct frame *frame, int32_t size_max, char *what, size_t what_size)
{
    const uint8_t *bytes = frame->size_bytes;

    if (bytes[0] == 0x16 && bytes[1] == 0x03)
        (void)snprintf(what, what_size,
                       "it begins like TLS, but this listener is PLAINTEXT; set security.protocol=PLAINTEXT in the client");
    else if (memcmp(bytes, "GET ", 4) == 0 || memcmp(bytes, "POST", 4) == 0 || memcmp(bytes, "HEAD", 4) == 0 ||
             memcmp(bytes, "PUT ", 4) == 0)
        (void)snprintf(what, what_size, "it begins like HTTP, but this is a listener of the Kafka protocol");
    else
        (void)snprintf(what, what_size, "a request says it is %d bytes long; allowed are 0 to %d (socket.request.max.bytes)", size_read(frame),
                       size_max);
}
