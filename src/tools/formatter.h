/* tools/formatter.h: how kafka-console-consumer prints a record. Source: Apache Kafka's DefaultMessageFormatter */
#ifndef TOOLS_FORMATTER_H
#define TOOLS_FORMATTER_H

#include "base/properties.h"
#include "tools/consumer.h"

enum deserializer { DESERIALIZE_BYTES, DESERIALIZE_SHORT, DESERIALIZE_INT, DESERIALIZE_LONG, DESERIALIZE_FLOAT, DESERIALIZE_DOUBLE, DESERIALIZE_BOOLEAN,
                    DESERIALIZE_UUID, DESERIALIZE_VOID };

struct formatter {
    bool is_silent; /* prints nothing */
    bool prints_timestamp, prints_key, prints_offset, prints_delivery, prints_epoch, prints_partition, prints_headers, prints_value;
    struct slice key_separator, line_separator, headers_separator, null_literal;
    enum deserializer key, value, headers;
};

/*
 * class_name  of the formatter in Java; ClassNotFoundException for one that is not known
 * properties  print.key, key.separator and so on; borrowed
 */
const struct failure *formatter_init(struct formatter *formatter, struct arena *arena, const char *class_name,
                                     const struct properties *properties);

void formatter_print(const struct formatter *formatter, const struct consumer_record *record, struct buffer *out);

#endif
