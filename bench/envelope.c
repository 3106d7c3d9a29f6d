/* bench/envelope: what one row costs on its way from pgoutput's bytes to a record, in ns, without disk or network. No arguments. */
#include "wire/debezium/envelope.h"
#include "os/clock.h"
#include "wire/postgres/copy.h"
#include "wire/postgres/pgoutput.h"

#include "base/memory.h"

#include "base/banned.h"

#include <inttypes.h>

#define TIME_MIN_NS INT64_C(400000000)
#define ROWS 512 /* different ones, so that branches are not learned by heart */

static int64_t started_ns;
static double ns_each;

static bool report(int64_t runs)
{
    ns_each = (double)(clock_monotonic_ns() - started_ns) / (double)runs;
    return false;
}

/* Runs the block until the time is up, looking at the clock every ROWS rounds. */
#define MEASURE(runs)                                                                                                                      \
    for (int64_t runs = (started_ns = clock_monotonic_ns(), 0);                                                                            \
         runs % ROWS != 0 || clock_monotonic_ns() - started_ns < TIME_MIN_NS || report(runs); runs++)

static const struct pg_type int4 = {.oid = 23, .name = "int4", .kind = 'b', .modifier = -1};
static const struct pg_type numeric = {.oid = 1700, .name = "numeric", .kind = 'b', .modifier = -1};
static const struct pg_type varchar = {.oid = 1043, .name = "varchar", .kind = 'b', .modifier = -1};
static const struct pg_type timestamp = {.oid = 1114, .name = "timestamp", .kind = 'b', .modifier = -1};

static struct pg_column columns[] = {
    {.name = "id",
     .type = &int4,
     .modifier = -1,
     .not_null = true,
     .default_sql = "nextval('transactions_id_seq'::regclass)",
     .key_position = 1},
    {.name = "user_id", .type = &int4, .modifier = -1},
    {.name = "amount", .type = &numeric, .modifier = (10 << 16 | 2) + 4},
    {.name = "merchant", .type = &varchar, .modifier = -1},
    {.name = "location", .type = &varchar, .modifier = -1},
    {.name = "transaction_time", .type = &timestamp, .modifier = -1},
};
#define COLUMNS (sizeof(columns) / sizeof(*columns))

static const struct pg_relation transactions = {16384, "public", "transactions", 'd', COLUMNS, columns};

static const char *cell(int row, size_t column, char text[64])
{
    static const char *const merchants[] = {"Corner Shop", "Central Station Kiosk", "Bakery Müller", "Fuel & Go", "Online Books"};

    switch (column) {
    case 0: (void)snprintf(text, 64, "%d", 1000000 + row * 37); break;
    case 1: (void)snprintf(text, 64, "%d", row % 977); break;
    case 2: (void)snprintf(text, 64, "%d.%02d", row * 7919 % 4000, row % 100); break;
    case 3: (void)snprintf(text, 64, "%s", merchants[row % 5]); break;
    case 4: (void)snprintf(text, 64, "Berlin %d", row % 12); break;
    default:
        (void)snprintf(text, 64, "2026-08-%02d %02d:%02d:%02d.%06d", 1 + row % 28, row % 24, row % 60, row % 59, row * 7919 % 1000000);
        break;
    }
    return text;
}

/* An INSERT of pgoutput, and the same row as COPY sends it. */
static void make_row(int row, struct buffer *insert, struct buffer *line)
{
    char text[64];

    buffer_init(insert, 4096);
    buffer_init(line, 4096);
    buffer_append_u8(insert, 'I');
    buffer_append_u32(insert, transactions.oid);
    buffer_append_u8(insert, 'N');
    buffer_append_u16(insert, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        cell(row, i, text);
        buffer_append_u8(insert, 't');
        buffer_append_u32(insert, (uint32_t)strlen(text));
        buffer_append_string(insert, text);
        if (i > 0)
            buffer_append_u8(line, '\t');
        buffer_append_string(line, text);
    }
    buffer_append_u8(line, '\n');
}

static struct buffer inserts[ROWS], lines[ROWS];
static struct debezium_config *config;
static struct debezium_encoder *encoder;
static struct debezium_plan *plan;

static void set_up(void)
{
    struct properties properties;

    properties_init(&properties);
    properties_set(&properties, "topic.prefix", "fraud-detection");
    properties_set(&properties, "database.dbname", "mydb");
    if (debezium_config_create(&properties, NULL, NULL, &config, NULL) != OK)
        abort();
    encoder = debezium_encoder_create(config, "0193d2c6-0000-7000-8000-000000000000");
    if (debezium_plan_create(encoder, &transactions, READER_STREAM, &plan, NULL) != OK)
        abort();
    properties_finish(&properties);
    for (int i = 0; i < ROWS; i++)
        make_row(i, &inserts[i], &lines[i]);
}

static void decode(struct pgoutput_decoder *decoder, int64_t run, struct pgoutput_message *message)
{
    if (!pgoutput_decode(decoder, buffer_slice(&inserts[run % ROWS]), message))
        abort();
}

int main(void)
{
    struct pgoutput_decoder decoder;
    struct pgoutput_message message, messages[ROWS];
    struct debezium_source source = {
        .time_ns = INT64_C(1795349063628447000), .lsn = 26537120, .last_commit_lsn = 26537000, .xid = 731, .xmin = -1};
    struct debezium_event event = {.operation = OPERATION_CREATE, .source = &source, .now_ns = INT64_C(1795349063908587666)};
    struct debezium_output output;
    size_t key_bytes = 0, head_bytes = 0, body_bytes = 0;
    uint8_t *target = memory_new(1 << 20);

    set_up();
    pgoutput_decoder_init(&decoder);
    MEASURE(runs)
    {
        decode(&decoder, runs, &message);
    }
    printf("pgoutput: decode an INSERT of %zu columns                              %6.0f ns\n", COLUMNS, ns_each);

    MEASURE(runs)
    {
        static uint8_t copy[4096];
        struct pg_value values[COLUMNS];
        struct pg_row row;
        const struct buffer *line = &lines[runs % ROWS];

        memcpy(copy, line->data, line->size);
        if (!copy_row_read(copy, line->size, values, COLUMNS, &row))
            abort();
    }
    printf("COPY: split the same row                                            %6.0f ns\n", ns_each);

    for (int i = 0; i < ROWS; i++) {
        struct pgoutput_decoder own;

        pgoutput_decoder_init(&own); /* keeps its values for good */
        decode(&own, i, &messages[i]);
    }
    MEASURE(runs)
    {
        source.lsn += 88;
        event.now_ns += 1003;
        event.new = &messages[runs % ROWS].change.new;
        if (debezium_encode(encoder, plan, &event, &output, NULL) != OK)
            abort();
    }
    key_bytes = output.records[0].key.size;
    head_bytes = output.records[0].value_head.size;
    body_bytes = output.records[0].value_body.size;
    printf("encode a create: key %zu B, value %zu B of which %zu B are new           %6.0f ns\n", key_bytes, head_bytes + body_bytes,
           body_bytes, ns_each);

    MEASURE(runs)
    {
        const struct debezium_record *record = &output.records[0];
        uint8_t *to = target + runs % 256 * 4096;

        decode(&decoder, runs, &message);
        source.lsn += 88;
        event.now_ns += 1003;
        event.new = &message.change.new;
        if (debezium_encode(encoder, plan, &event, &output, NULL) != OK)
            abort();
        memcpy(to, record->key.data, record->key.size);
        memcpy(to + record->key.size, record->value_head.data, record->value_head.size);
        memcpy(to + record->key.size + record->value_head.size, record->value_body.data, record->value_body.size);
    }
    printf("decode, encode and copy into a batch                                %6.0f ns\n", ns_each);
    return 0;
}
