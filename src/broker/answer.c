#include "broker/answer.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/logger.h"

#include <assert.h>
#include <errno.h>
#include <sys/sendfile.h>

#define LOG_SUBSYSTEM "broker"

#define BYTES_MAX ((size_t)512 * 1024 * 1024)
#define BYTES_KEPT ((size_t)64 * 1024)       /* of the memory, for the next one */
#define FILE_BYTES_MAX ((size_t)1024 * 1024) /* sent at once, before others have a turn */

void answer_init(struct answer *answer)
{
    *answer = (struct answer){0};
    buffer_init(&answer->bytes, BYTES_MAX);
}

void answer_finish(struct answer *answer)
{
    buffer_finish(&answer->bytes);
}

void answer_reset(struct answer *answer)
{
    for (size_t i = 0; i < answer->span_count; i++)
        range_release(&answer->spans[i].range);
    memory_free(answer->spans);
    answer->spans = NULL;
    answer->span_count = answer->span_next = answer->sent = 0;
    if (answer->bytes.capacity > BYTES_KEPT)
        buffer_finish(&answer->bytes);
    buffer_reset(&answer->bytes);
}

static void spans_encode(struct answer *answer, int16_t version, const struct wire_message *message, const void *response, const struct range *ranges,
                         size_t count)
{
    struct wire_gap *gaps = memory_new_array(count, sizeof(*gaps));
    size_t gap_count = 0;

    wire_encode_with_gaps(message, version, response, &answer->bytes, gaps, count, &gap_count);
    assert(answer->bytes.failed || gap_count == count);
    answer->spans = memory_new_array(count, sizeof(*answer->spans));
    answer->span_count = count;
    for (size_t i = 0; i < count; i++)
        answer->spans[i] = (struct answer_span){.position = gaps[i].position, .range = ranges[i]};
    memory_free(gaps);
}

bool answer_encode(struct answer *answer, const struct kafka_request_header *header, const struct wire_message *message, const void *response,
                   const struct range *ranges, size_t range_count)
{
    size_t total;

    buffer_append_u32(&answer->bytes, 0);
    kafka_response_header_encode(header->api_key, header->api_version, header->correlation_id, &answer->bytes);
    if (range_count > 0)
        spans_encode(answer, header->api_version, message, response, ranges, range_count);
    else
        wire_encode(message, header->api_version, response, &answer->bytes);
    total = answer->bytes.size - 4;
    for (size_t i = 0; i < answer->span_count; i++)
        total += answer->spans[i].range.size;
    if (answer->bytes.failed || total > INT32_MAX)
        return false;
    buffer_patch_u32(&answer->bytes, 0, (uint32_t)total);
    return true;
}

bool answer_is_sent(const struct answer *answer)
{
    return answer->sent == answer->bytes.size && !answer_has_file(answer);
}

struct slice answer_memory(const struct answer *answer)
{
    size_t end = answer_has_file(answer) ? answer->spans[answer->span_next].position : answer->bytes.size;

    return end == answer->sent ? slice_null() : slice_of(answer->bytes.data + answer->sent, end - answer->sent);
}

void answer_memory_sent(struct answer *answer, size_t size)
{
    answer->sent += size;
}

enum sent answer_file_send(struct answer *answer, int fd, size_t *size)
{
    struct answer_span *span = &answer->spans[answer->span_next];
    size_t left = span->range.size - span->sent;
    off_t at = (off_t)(span->range.position + (int64_t)span->sent);
    ssize_t count = sendfile(fd, span->range.fd, &at, left < FILE_BYTES_MAX ? left : FILE_BYTES_MAX);

    *size = 0;
    if (count < 0)
        return errno == EAGAIN ? SENT_BLOCKED : errno == EINTR ? SENT_SOME : SENT_FAILED;
    if (count == 0) {
        LOG_ERROR("a segment ends before its published end: offset %lld is missing; the reader is cut off",
                  (long long)span->range.first_offset);
        return SENT_FAILED;
    }
    *size = (size_t)count;
    span->sent += (size_t)count;
    if (span->sent == span->range.size)
        answer->span_next++;
    return SENT_SOME;
}
