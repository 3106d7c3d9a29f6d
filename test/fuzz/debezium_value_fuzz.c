/*
 * A value of any type in any mode: the first bytes choose configuration and type, the rest is the text PostgreSQL is said to have
 * sent. Whatever it is, key and value have to be JSON, or the encoder says why not.
 */
#include "wire/debezium/envelope.h"
#include "wire/json/scan.h"

#include "base/memory.h"

#include "base/banned.h"

#define CONFIGS 15
#define UNWRAP "transforms.u.type", "io.debezium.transforms.ExtractNewRecordState"
#define KAFKA "org.apache.kafka.connect.transforms."

static const struct {
    uint32_t oid;
    const char *name;
    char kind;
} types[] = {
    {16, "bool", 'b'},        {17, "bytea", 'b'},       {18, "char", 'b'},          {19, "name", 'b'},         {20, "int8", 'b'},
    {21, "int2", 'b'},        {23, "int4", 'b'},        {25, "text", 'b'},          {26, "oid", 'b'},          {114, "json", 'b'},
    {142, "xml", 'b'},        {600, "point", 'b'},      {603, "box", 'b'},          {700, "float4", 'b'},      {701, "float8", 'b'},
    {790, "money", 'b'},      {869, "inet", 'b'},       {1042, "bpchar", 'b'},      {1043, "varchar", 'b'},    {1082, "date", 'b'},
    {1083, "time", 'b'},      {1114, "timestamp", 'b'}, {1184, "timestamptz", 'b'}, {1186, "interval", 'b'},   {1266, "timetz", 'b'},
    {1560, "bit", 'b'},       {1562, "varbit", 'b'},    {1700, "numeric", 'b'},     {2950, "uuid", 'b'},       {3614, "tsvector", 'b'},
    {3802, "jsonb", 'b'},     {3908, "tsrange", 'b'},   {90001, "hstore", 'b'},     {90002, "citext", 'b'},    {90003, "ltree", 'b'},
    {90004, "geometry", 'b'}, {90005, "vector", 'b'},   {90006, "halfvec", 'b'},    {90007, "sparsevec", 'b'}, {90008, "mood", 'e'},
    {90009, "tsquery", 'b'}};
#define TYPES (sizeof(types) / sizeof(*types))

static struct debezium_config *configs[CONFIGS];
static struct debezium_encoder *encoders[CONFIGS];

static void set_up(void)
{
    static const char *const settings[CONFIGS][24] = {
        {NULL},
        {"decimal.handling.mode", "double", "time.precision.mode", "connect", "binary.handling.mode", "hex", NULL},
        {"decimal.handling.mode", "string", "time.precision.mode", "isostring", "binary.handling.mode", "base64", NULL},
        {"time.precision.mode", "nanoseconds", "interval.handling.mode", "string", "hstore.handling.mode", "map", NULL},
        {"include.unknown.datatypes", "true", "binary.handling.mode", "base64-url-safe", NULL},
        {"column.mask.with.5.chars", ".*", NULL},
        {"column.truncate.to.3.chars", ".*", NULL},
        {"column.mask.hash.SHA-256.with.salt.x", ".*", NULL},
        {"column.mask.hash.v2.MD5.with.salt.x", ".*", NULL},
        {"value.converter.decimal.format", "NUMERIC", "key.converter.decimal.format", "numeric", NULL},
        {"key.converter.schemas.enable", "false", "value.converter.schemas.enable", "false", "value.converter.replace.null.with.default",
         "false", NULL},
        {"column.propagate.source.type", ".*", "message.key.columns", "public.t:v", "time.precision.mode", "microseconds", NULL},
        {"transforms", "u,c", UNWRAP, "transforms.u.delete.tombstone.handling.mode", "rewrite", "transforms.u.add.fields", "op,source.lsn",
         "transforms.u.add.headers", "op,ts_ms", "transforms.c.type", KAFKA "Cast$Value", "transforms.c.spec", "v:string", NULL},
        {"transforms", "u,m,k", UNWRAP, "transforms.u.route.by.field", "v", "transforms.m.type", KAFKA "MaskField$Value",
         "transforms.m.fields", "v", "transforms.k.type", KAFKA "ValueToKey", "transforms.k.fields", "v", NULL},
        {"transforms", "u,c,e", UNWRAP, "transforms.c.type", KAFKA "Cast$Value", "transforms.c.spec", "v:int32", "transforms.e.type",
         KAFKA "ExtractField$Value", "transforms.e.field", "v", NULL}};

    for (size_t i = 0; i < CONFIGS; i++) {
        struct properties properties;

        properties_init(&properties);
        properties_set(&properties, "topic.prefix", "p");
        for (size_t j = 0; settings[i][j] != NULL; j += 2)
            properties_set(&properties, settings[i][j], settings[i][j + 1]);
        if (debezium_config_create(&properties, NULL, NULL, &configs[i], NULL) != OK)
            abort();
        properties_finish(&properties);
        encoders[i] = debezium_encoder_create(configs[i], "0193d2c6-0000-7000-8000-000000000000");
    }
}

static void check_json(struct slice text)
{
    struct json_scan in;

    if (text.data == NULL)
        return;
    in = json_scan_of(text);
    (void)json_skip(&in);
    if (in.failed != NULL || in.at != in.end)
        abort();
}

static void check_output(const struct debezium_output *output)
{
    struct buffer value;

    buffer_init(&value, 1u << 28);
    for (size_t i = 0; i < output->count; i++) {
        check_json(output->records[i].key);
        buffer_reset(&value);
        buffer_append_slice(&value, output->records[i].value_head);
        buffer_append_slice(&value, output->records[i].value_body);
        if (value.size > 0)
            check_json(buffer_slice(&value));
    }
    buffer_finish(&value);
}

static void encode(struct debezium_encoder *encoder, struct debezium_plan *plan, enum debezium_operation operation,
                   const struct pg_row *old, const struct pg_row *new)
{
    struct debezium_source source = {.time_ns = 1, .lsn = 2, .xid = 3, .xmin = -1};
    struct debezium_event event = {operation, old, new, &source, 4};
    struct debezium_output output;

    if (debezium_encode(encoder, plan, &event, &output, NULL) == OK)
        check_output(&output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *labels[] = {"sad", "ok"};
    struct pg_type element = {.modifier = -1}, type = {.modifier = -1, .kind = 'b'};
    struct pg_column column = {.name = "v", .modifier = -1};
    struct pg_relation relation = {1, "public", "t", 'd', 1, &column};
    struct pg_value value = {PG_VALUE_TEXT, {NULL, 0}}, null = {PG_VALUE_NULL, {NULL, 0}}, unchanged = {PG_VALUE_UNCHANGED, {NULL, 0}};
    struct pg_row row = {1, &value}, null_row = {1, &null}, unchanged_row = {1, &unchanged};
    struct debezium_plan *plan;
    char *sql = NULL, name[32];
    size_t which;

    if (size < 6)
        return 0;
    if (configs[0] == NULL)
        set_up();
    which = data[0] % CONFIGS;
    element.oid = types[data[1] % TYPES].oid;
    element.name = types[data[1] % TYPES].name;
    element.kind = types[data[1] % TYPES].kind;
    element.labels = labels;
    element.label_count = 2;
    type.oid = 99999;
    type.element = &element;
    (void)snprintf(name, sizeof(name), "_%s", element.name);
    type.name = name;
    column.type = (data[2] & 1) != 0 ? &type : &element;
    column.modifier = (data[2] & 2) != 0 ? (int32_t)((unsigned)data[3] << 16 | data[4] % 40) + 4 : -1;
    if (element.oid >= 1083 && element.oid <= 1562 && column.modifier != -1)
        column.modifier = data[4] % 7;
    column.not_null = (data[2] & 4) != 0;
    column.key_position = (data[2] & 8) != 0;
    value.text = slice_of(data + 6, size - 6);
    if ((data[2] & 16) != 0) {
        sql = memory_copy_bytes(data + 6, size - 6);
        column.default_sql = sql;
    }
    if (debezium_plan_create(encoders[which], &relation, (data[2] & 32) != 0 ? READER_SNAPSHOT : READER_STREAM, &plan, NULL) == OK) {
        encode(encoders[which], plan, OPERATION_CREATE, NULL, &row);
        encode(encoders[which], plan, OPERATION_UPDATE, &null_row, &row);
        encode(encoders[which], plan, OPERATION_UPDATE, NULL, &unchanged_row);
        encode(encoders[which], plan, OPERATION_DELETE, &null_row, NULL);
        debezium_plan_destroy(plan);
    }
    memory_free(sql);
    return 0;
}
