/* broker/frame.h: cuts what comes over a connection into frames, a size of four bytes and that many bytes. Pure. Source: Kafka protocol guide. */
#ifndef BROKER_FRAME_H
#define BROKER_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* The frame that is coming in; all zero before the first one. */
struct frame {
    uint8_t size_bytes[4];
    size_t size_have;
    uint8_t *bytes; /* owned; NULL while the size is coming */
    size_t size;
    size_t have;
    size_t capacity;
};

enum frame_state { FRAME_PART, FRAME_WHOLE, FRAME_REFUSED };

/* How many bytes the frame can take now, and where they go: a size that lies costs no more memory than twice what was really sent. */
size_t frame_room(struct frame *frame, uint8_t **to);

/*
 * Notes that `count` bytes of that room were filled.
 * size_max  bytes of the largest frame that is allowed
 * Returns   REFUSED for a size that is not: there is no way on; WHOLE: frame_take is next, before anything else
 */
enum frame_state frame_advance(struct frame *frame, size_t count, int32_t size_max);

/* Hands over the bytes of a whole frame, to be freed with memory_free, and is ready for the next one. */
uint8_t *frame_take(struct frame *frame, size_t *size);

void frame_finish(struct frame *frame);

/* Says why a size was refused, with what the peer seems to speak instead. */
void frame_explain(const struct frame *frame, int32_t size_max, char *what, size_t what_size);

#endif
