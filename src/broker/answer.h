/*
 * broker/answer.h: an answer on its way to a socket: encoded bytes, and between them pieces of segment files that the kernel sends by
 * itself. Thread: network
 */
#ifndef BROKER_ANSWER_H
#define BROKER_ANSWER_H

#include "base/buffer.h"
#include "store/store.h"
#include "wire/kafka/api.h"

/* Bytes of a file in the middle of an answer. */
struct answer_span {
    size_t position; /* in the answer's buffer: they go before this byte */
    struct range range;
    size_t sent;
};

struct answer {
    struct buffer bytes; /* from the 4 bytes of size on */
    struct answer_span *spans;
    size_t span_count;
    size_t sent;      /* of bytes */
    size_t span_next; /* the first one not wholly sent */
};

void answer_init(struct answer *answer);
void answer_finish(struct answer *answer); /* of one that was reset */

/* Lets go of files and of large memory; ready for the next one. */
void answer_reset(struct answer *answer);

/*
 * Encodes a response; the spans' ranges become the answer's, in the order of the external records, also when it fails.
 * False: it is too large
 */
bool answer_encode(struct answer *answer, const struct kafka_request_header *header, const struct wire_message *message, const void *response,
                   const struct range *ranges, size_t range_count);

bool answer_is_sent(const struct answer *answer);

/* The bytes that are next, up to a file or the end; empty when a file is next, or all is sent. Borrowed until some are told to be sent. */
struct slice answer_memory(const struct answer *answer);
void answer_memory_sent(struct answer *answer, size_t size);

/* Does a piece of a file stand behind the memory? */
static inline bool answer_has_file(const struct answer *answer)
{
    return answer->span_next < answer->span_count;
}

enum sent { SENT_SOME, SENT_BLOCKED, SENT_FAILED };

/* Sends some of the file that is next. size: bytes that went, 0 unless SENT_SOME, and then too after a signal */
enum sent answer_file_send(struct answer *answer, int fd, size_t *size);

#endif
