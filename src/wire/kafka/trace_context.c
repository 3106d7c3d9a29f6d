#include "wire/kafka/trace_context.h"

#include "base/banned.h"

#define VERSION_00_BYTES 55 /* 00-<32 hex>-<16 hex>-<2 hex> */

static bool is_hex(struct slice text)
{
    bool is_zero = true;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        is_zero = is_zero && c == '0';
    }
    return text.size <= 2 || !is_zero; /* an id of zeros is none */
}

static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    }
    return true;
}

/* Later versions may have more behind a further dash. */
static bool parent_is_valid(struct slice text)
{
    if (slice_is_null(text) || text.size < VERSION_00_BYTES || text.size > TRACEPARENT_BYTES_MAX || !is_printable(text))
        return false;
    if (text.data[2] != '-' || text.data[35] != '-' || text.data[52] != '-' || memcmp(text.data, "ff", 2) == 0)
        return false;
    if (text.size > VERSION_00_BYTES && (text.data[VERSION_00_BYTES] != '-' || memcmp(text.data, "00", 2) == 0))
        return false;
    return is_hex(slice_of(text.data, 2)) && is_hex(slice_of(text.data + 3, 32)) && is_hex(slice_of(text.data + 36, 16)) && is_hex(slice_of(text.data + 53, 2));
}

struct trace_context trace_context_check(struct slice parent, struct slice state)
{
    struct trace_context context = {slice_null(), slice_null()};

    if (!parent_is_valid(parent))
        return context;
    context.parent = parent;
    if (!slice_is_null(state) && state.size > 0 && state.size <= TRACESTATE_BYTES_MAX && is_printable(state))
        context.state = state;
    return context;
}

struct trace_context trace_context_of(const struct record *record)
{
    struct slice parent = slice_null(), state = slice_null();
    struct record rest = *record;
    struct record_header header;

    while (record_next_header(&rest, &header)) {
        if (slice_equal_string(header.key, "traceparent"))
            parent = header.value;
        else if (slice_equal_string(header.key, "tracestate"))
            state = header.value;
    }
    return trace_context_check(parent, state);
}

size_t trace_context_headers(const struct trace_context *context, struct record_header *headers)
{
    size_t count = 0;

    if (!slice_is_null(context->parent))
        headers[count++] = (struct record_header){slice_from_string("traceparent"), context->parent};
    if (!slice_is_null(context->state))
        headers[count++] = (struct record_header){slice_from_string("tracestate"), context->state};
    return count;
}
