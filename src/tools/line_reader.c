#include "tools/line_reader.h"

#include "base/banned.h"
#include "base/text.h"

static bool flag_of(const struct properties *properties, const char *name)
{
    const char *value = properties_get(properties, name);
    bool flag = false;

    return value != NULL && text_parse_bool(text_trim(slice_from_string(value)), &flag) && flag;
}

static struct slice text_of(const struct properties *properties, const char *name, const char *otherwise)
{
    const char *value = properties_get(properties, name);

    return slice_from_string(value == NULL ? otherwise : value);
}

/* Two of the marks that are the same make a line ambiguous. */
static const struct failure *marks_check(const struct line_reader *reader, struct arena *arena)
{
    const struct {
        struct slice left, right;
        const char *names;
    } pairs[] = {
        {reader->headers_delimiter, reader->headers_separator, "headers.delimiter and headers.separator"},
        {reader->headers_delimiter, reader->headers_key_separator, "headers.delimiter and headers.key.separator"},
        {reader->headers_separator, reader->headers_key_separator, "headers.separator and headers.key.separator"},
        {reader->null_marker, reader->key_separator, "null.marker and key.separator"},
        {reader->null_marker, reader->headers_separator, "null.marker and headers.separator"},
        {reader->null_marker, reader->headers_delimiter, "null.marker and headers.delimiter"},
        {reader->null_marker, reader->headers_key_separator, "null.marker and headers.key.separator"},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (!slice_is_null(pairs[i].left) && slice_equal(pairs[i].left, pairs[i].right))
            return failure_of(arena, FAILURE_KAFKA, "%s may not be equal", pairs[i].names);
    }
    return NULL;
}

const struct failure *line_reader_init(struct line_reader *reader, struct arena *arena, const struct properties *properties)
{
    *reader = (struct line_reader){.parses_key = flag_of(properties, "parse.key"),
                                   .parses_headers = flag_of(properties, "parse.headers"),
                                   .ignores_errors = flag_of(properties, "ignore.error"),
                                   .key_separator = text_of(properties, "key.separator", "\t"),
                                   .headers_delimiter = text_of(properties, "headers.delimiter", "\t"),
                                   .headers_separator = text_of(properties, "headers.separator", ","),
                                   .headers_key_separator = text_of(properties, "headers.key.separator", ":"),
                                   .null_marker = slice_from_string(properties_get(properties, "null.marker")),
                                   .line_number = 1};
    return marks_check(reader, arena);
}

/* Where `mark` begins in text, text.size when it is not there. */
static size_t mark_find(struct slice text, struct slice mark)
{
    const uint8_t *found = mark.size == 0 ? text.data : text.size == 0 ? NULL : memmem(text.data, text.size, mark.data, mark.size);

    return found == NULL ? text.size : (size_t)(found - text.data);
}

/* Cuts what stands before `mark` off the rest of the line; data NULL when it is not looked for, or not there and that is ignored. */
static const struct failure *part_take(const struct line_reader *reader, struct arena *arena, bool is_wanted, struct slice line,
                                       struct slice mark, const char *mark_name, struct slice *rest, struct slice *part)
{
    size_t at;

    *part = slice_null();
    if (!is_wanted)
        return NULL;
    at = mark_find(*rest, mark);
    if (at == rest->size && mark.size > 0) {
        if (reader->ignores_errors)
            return NULL;
        return failure_of(arena, FAILURE_KAFKA, "No %s found on line number %lld: '%.*s'", mark_name, (long long)reader->line_number,
                          (int)line.size, (const char *)line.data);
    }
    *part = slice_of(rest->data, at);
    *rest = slice_from(*rest, at + mark.size);
    return NULL;
}

static bool is_null_marker(const struct line_reader *reader, struct slice text)
{
    return !slice_is_null(reader->null_marker) && slice_equal(text, reader->null_marker);
}

static const struct failure *header_parse(const struct line_reader *reader, struct arena *arena, struct slice pair, struct record_header *header)
{
    size_t at = mark_find(pair, reader->headers_key_separator);

    if (at == pair.size) {
        *header = (struct record_header){.key = pair};
        if (reader->ignores_errors)
            return NULL;
        return failure_of(arena, FAILURE_KAFKA, "No header key separator found in pair '%.*s' on line number %lld", (int)pair.size,
                          (const char *)pair.data, (long long)reader->line_number);
    }
    *header = (struct record_header){.key = slice_of(pair.data, at), .value = slice_from(pair, at + reader->headers_key_separator.size)};
    if (is_null_marker(reader, header->key))
        return failure_of(arena, FAILURE_KAFKA, "Header keys should not be equal to the null marker '%.*s' as they can't be null",
                          (int)header->key.size, (const char *)header->key.data);
    if (is_null_marker(reader, header->value))
        header->value = slice_null();
    return NULL;
}

/* An empty text is one pair, empty ones at the end do not count: so Java's split has it. */
static const struct failure *headers_parse(const struct line_reader *reader, struct arena *arena, struct slice text,
                                           struct producer_message *message)
{
    struct record_header *headers = arena_new_array(arena, text.size + 1, sizeof(*headers));
    const struct failure *failure = NULL;
    bool has_more = true;
    size_t count = 0;
    size_t kept = 0;

    while (has_more && failure == NULL) {
        size_t at = reader->headers_separator.size == 0 ? text.size : mark_find(text, reader->headers_separator);
        struct slice pair = slice_of(text.data, at);

        has_more = at < text.size;
        text = slice_from(text, at + reader->headers_separator.size);
        if (pair.size > 0 || count == 0 || has_more)
            failure = header_parse(reader, arena, pair, &headers[count]);
        count++;
        if (pair.size > 0 || count == 1)
            kept = count;
    }
    message->headers = headers;
    message->header_count = kept;
    return failure;
}

const struct failure *line_reader_parse(struct line_reader *reader, struct arena *arena, struct slice line, struct producer_message *message)
{
    struct slice rest = line.data == NULL ? slice_of("", 0) : line;
    struct slice headers, key;
    const struct failure *failure =
        part_take(reader, arena, reader->parses_headers, line, reader->headers_delimiter, "headers delimiter", &rest, &headers);

    if (failure == NULL)
        failure = part_take(reader, arena, reader->parses_key, line, reader->key_separator, "key separator", &rest, &key);
    if (failure != NULL)
        return failure;
    message->key = is_null_marker(reader, key) ? slice_null() : key;
    message->value = is_null_marker(reader, rest) ? slice_null() : rest;
    message->header_count = 0;
    if (headers.data != NULL && !is_null_marker(reader, headers))
        failure = headers_parse(reader, arena, headers, message);
    reader->line_number++;
    return failure;
}
