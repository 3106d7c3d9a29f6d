/* A replication stream: length-prefixed CopyData messages, decoded one after the other; whatever decodes may be walked. */
#include "wire/postgres/pgoutput.h"

#include "base/banned.h"

static volatile uint8_t sink;

static void touch(struct slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        sink = (uint8_t)(sink ^ bytes.data[i]);
}

static void touch_row(const struct pg_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        touch(row->values[i].text);
}

static void walk(struct pgoutput_message *message)
{
    struct pgoutput_column column;

    switch (message->kind) {
    case PGOUTPUT_RELATION:
        touch(slice_from_string(message->relation.schema));
        while (pgoutput_column_next(&message->relation, &column))
            touch(slice_from_string(column.name));
        break;
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
        touch_row(&message->change.old);
        touch_row(&message->change.new);
        break;
    case PGOUTPUT_TRUNCATE:
        for (uint32_t i = 0; i < message->truncate.relation_count; i++)
            (void)read_u32(&message->truncate.relations);
        if (message->truncate.relations.failed)
            abort();
        break;
    case PGOUTPUT_MESSAGE:
        touch(slice_from_string(message->message.prefix));
        touch(message->message.content);
        break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pgoutput_decoder decoder;
    struct pgoutput_message message;
    struct replication_message framed;
    struct reader in = reader_of(slice_of(data, size));
    uint64_t lsn;

    (void)pg_lsn_from_text(slice_of(data, size), &lsn);
    pgoutput_decoder_init(&decoder);
    while (reader_left(&in) > 0) {
        struct slice bytes = read_bytes(&in, read_u16(&in));

        if (!in.failed && replication_message_read(bytes, &framed) && pgoutput_decode(&decoder, framed.data, &message))
            walk(&message);
    }
    pgoutput_decoder_finish(&decoder);
    return 0;
}
