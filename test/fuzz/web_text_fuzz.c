/* What people type into the console: filters, keys to trace; and texts that secrets are taken out of. They are read or refused. */
#include "web/filter.h"
#include "web/redact.h"
#include "web/trace_key.h"
#include "wire/debezium/change.h"

#include "base/memory.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void filter_try(struct arena *arena, const char *text, const struct record *record, const struct change *change)
{
    const struct filter_input input = {.record = record, .change = change, .partition = 1, .arena = arena};
    struct filter *filter;
    struct error error;
    size_t position = 0;

    if (filter_compile(arena, text, "public.t.email", &filter, &position, &error) == OK)
        (void)filter_matches(filter, &input);
    else if (position > strlen(text) || error.message[0] == '\0')
        abort();
}

/* The first line is what was typed, the next one a record's key, the rest its value. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size == 0 ? NULL : memchr(data, '\n', size), *second = line == NULL ? NULL : memchr(line + 1, '\n', (size_t)(data + size - line - 1));
    struct record record = {.offset = 7, .value = slice_of("", 0)};
    struct change_decoder *decoder = change_decoder_create(), *of_values = change_decoder_create();
    struct redactor *redactor = redactor_create();
    struct trace_key key;
    struct change change;
    struct arena arena;
    struct buffer out;
    char *text;

    arena_init(&arena, 4096);
    text = arena_copy_string(&arena, slice_of(data, line == NULL ? size : (size_t)(line - data)));
    if (line != NULL) {
        uint8_t *rest = memory_copy_bytes(line + 1, (size_t)(data + size - line - 1)); /* of its very size, for the sanitizer */

        record.key = slice_of(rest, (size_t)((second == NULL ? data + size : second) - line - 1));
        if (second != NULL)
            record.value = slice_of(rest + record.key.size + 1, (size_t)(data + size - second - 1));
        trace_key_read(text, &arena, &key);
        (void)trace_key_is(&key, decoder, record.key, &arena);
        (void)trace_key_like(&key, decoder, record.key, &arena);
        (void)trace_value_begins_row(record.value);
        (void)trace_received_us(record.value);
        filter_try(&arena, text, &record, change_decode(of_values, record.value, &arena, &change, NULL) == OK ? &change : NULL);
        memory_free(rest);
    }
    buffer_init(&out, 1 << 20);
    (void)redactor_append(redactor, slice_of(data, size), &out);
    buffer_finish(&out);
    redactor_destroy(redactor);
    change_decoder_destroy(of_values);
    change_decoder_destroy(decoder);
    arena_finish(&arena);
    return 0;
}
