/*
 * tools/line_reader.h: lines of text into records, as kafka-console-producer reads them: "h1:v1,h2:v2<tab>key<tab>value".
 * Source: Apache Kafka's LineMessageReader
 */
#ifndef TOOLS_LINE_READER_H
#define TOOLS_LINE_READER_H

#include "base/properties.h"
#include "tools/producer.h"

struct line_reader {
    bool parses_key;
    bool parses_headers;
    bool ignores_errors;
    struct slice key_separator;
    struct slice headers_delimiter;
    struct slice headers_separator;
    struct slice headers_key_separator;
    struct slice null_marker; /* data NULL: none */
    int64_t line_number;      /* of the line that is read next, from 1 */
};

/* properties  parse.key, key.separator and so on; borrowed as long as the reader is used. Unknown ones do not matter. */
const struct failure *line_reader_init(struct line_reader *reader, struct arena *arena, const struct properties *properties);

/*
 * Reads one line, without its end.
 * message  key, value and headers point into the line and the arena; the topic is not touched
 */
const struct failure *line_reader_parse(struct line_reader *reader, struct arena *arena, struct slice line, struct producer_message *message);

#endif
