#include "wire/debezium/change.h"

#include "base/banned.h"
#include "base/buffer.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "wire/json/base64.h"
#include "wire/json/scan.h"

#define SCHEMAS_MAX 16
#define COLUMNS_MAX 1664 /* MaxTupleAttributeNumber of PostgreSQL */

#define SLOTS_MAX 32
#define SHAPE_BYTES_MAX 1024

/*
 * What the envelopes of one schema have in common: constant bytes, then a value, then constant bytes again. Made from the last message
 * that was read name by name; the next one that goes by it is compared piece by piece, and only its values are read.
 */
struct shape {
    size_t slot_count;   /* 0: none is known */
    size_t size, last;   /* of the text; and what of it stands behind the last value */
    struct {
        uint16_t before; /* bytes of the text before the value */
        uint8_t part;
    } slots[SLOTS_MAX];
    uint8_t text[SHAPE_BYTES_MAX];
};

/* A schema that was met: its bytes, and what they mean. */
struct known_schema {
    struct slice prefix;      /* {"schema":…,"payload": ; data NULL for the one of messages without schema */
    bool envelope;            /* else an unwrapped row */
    struct change_schema schema;
    struct change_column *columns;
    struct slice *names;      /* "name": as it stands in the payload, to compare with */
    size_t capacity;
    struct arena arena;       /* owns names and meanings */
    uint64_t used;            /* when last; the oldest makes place */
    const char *watched_name; /* the decoder's */
    size_t watched;           /* that column; SIZE_MAX when there is none */
    struct shape shape;       /* of its envelopes */
};

struct change_decoder {
    struct known_schema *known[SCHEMAS_MAX];
    struct known_schema *plain; /* grows by the columns of messages without schema */
    struct known_schema *last;
    char *watched;              /* column; NULL: none */
    change_seen *seen;
    void *context;
    struct map scales;          /* column -> scale + 1, as a pointer */
    struct buffer bytes;        /* of a decimal */
    uint64_t clock;
};

/* ---- Schemas ---- */

static struct known_schema *known_create(struct slice prefix, const char *watched_name)
{
    struct known_schema *known = memory_new(sizeof(*known));

    known->watched_name = watched_name;
    known->watched = SIZE_MAX;
    arena_init(&known->arena, 1024);
    if (!slice_is_null(prefix))
        known->prefix = slice_of(memory_copy_bytes(prefix.data, prefix.size), prefix.size);
    return known;
}

static void known_destroy(struct known_schema *known)
{
    if (known == NULL)
        return;
    memory_free((void *)(uintptr_t)known->prefix.data);
    memory_free(known->columns);
    memory_free(known->names);
    arena_finish(&known->arena);
    memory_free(known);
}

static bool column_add(struct known_schema *known, struct slice name, struct change_column column)
{
    size_t at = known->schema.column_count;

    if (at == COLUMNS_MAX)
        return false;
    if (at == known->capacity) {
        known->capacity = at == 0 ? 16 : at * 2;
        known->columns = memory_resize(known->columns, known->capacity * sizeof(*known->columns));
        known->names = memory_resize(known->names, known->capacity * sizeof(*known->names));
    }
    column.name = arena_copy_string(&known->arena, name);
    known->columns[at] = column;
    known->names[at] = slice_from_string(arena_format(&known->arena, "\"%s\":", column.name));
    known->schema.column_count = at + 1;
    known->schema.columns = known->columns;
    if (known->watched_name != NULL && strcmp(column.name, known->watched_name) == 0)
        known->watched = at;
    return true;
}

static const struct {
    const char *meaning;
    enum change_type type;
    int32_t num, den;
} meanings[] = {
    {"io.debezium.time.Date", CHANGE_DATE, 1, 1},
    {"org.apache.kafka.connect.data.Date", CHANGE_DATE, 1, 1},
    {"io.debezium.time.Timestamp", CHANGE_TIMESTAMP, 1000, 1},
    {"org.apache.kafka.connect.data.Timestamp", CHANGE_TIMESTAMP, 1000, 1},
    {"io.debezium.time.MicroTimestamp", CHANGE_TIMESTAMP, 1, 1},
    {"io.debezium.time.NanoTimestamp", CHANGE_TIMESTAMP, 1, 1000},
    {"org.apache.kafka.connect.data.Decimal", CHANGE_DECIMAL, 1, 1},
    {"io.debezium.data.VariableScaleDecimal", CHANGE_DECIMAL, 1, 1},
};

static enum change_type type_of(struct slice type)
{
    static const struct {
        const char *name;
        enum change_type type;
    } types[] = {
        {"string", CHANGE_TEXT}, {"int32", CHANGE_INTEGER}, {"int64", CHANGE_INTEGER}, {"int16", CHANGE_INTEGER}, {"int8", CHANGE_INTEGER},
        {"boolean", CHANGE_BOOLEAN}, {"double", CHANGE_REAL}, {"float", CHANGE_REAL}, {"bytes", CHANGE_BYTES},
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (slice_equal_string(type, types[i].name))
            return types[i].type;
    }
    return CHANGE_OTHER;
}

/* A scale from "parameters":{"scale":"2"}; -1 when there is none. */
static int32_t scale_of(struct slice field, struct arena *arena)
{
    struct slice text = json_member_text(json_scan_member(field, "parameters"), "scale", arena);
    int32_t scale = -1;

    return !slice_is_null(text) && text_parse_int32(text, &scale) && scale >= 0 && scale <= 38 ? scale : -1;
}

static struct change_column column_of(struct slice field, struct arena *arena)
{
    struct change_column column = {.type = type_of(json_member_text(field, "type", arena)), .scale = -1, .unit_us_num = 1, .unit_us_den = 1, .meaning = ""};
    struct slice meaning = json_member_text(field, "name", arena);

    if (slice_is_null(meaning))
        return column;
    column.meaning = arena_copy_string(arena, meaning);
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (strcmp(column.meaning, meanings[i].meaning) == 0) {
            column.type = meanings[i].type;
            column.unit_us_num = meanings[i].num;
            column.unit_us_den = meanings[i].den;
        }
    }
    if (column.type == CHANGE_DECIMAL)
        column.scale = scale_of(field, arena);
    return column;
}

/* The schema of the field with this name in a struct's "fields"; data NULL when there is none. */
static struct slice field_named(struct slice fields, const char *name, struct arena *arena)
{
    struct json_scan in = json_scan_of(fields);
    bool first = true;

    json_open(&in, '[');
    while (json_next(&in, ']', &first)) {
        struct slice field = json_skip(&in);

        if (slice_equal_string(json_member_text(field, "field", arena), name))
            return field;
    }
    return slice_null();
}

static bool columns_read(struct known_schema *known, struct slice fields)
{
    struct json_scan in = json_scan_of(fields);
    bool first = true;

    json_open(&in, '[');
    while (json_next(&in, ']', &first)) {
        struct slice field = json_skip(&in);
        struct slice name = json_member_text(field, "field", &known->arena);

        if (in.failed != NULL || slice_is_null(name) || !column_add(known, name, column_of(field, &known->arena)))
            return false;
    }
    return in.failed == NULL;
}

/* Learns a schema; NULL when it is not that of a row or an envelope. */
static struct known_schema *schema_learn(struct slice prefix, struct slice schema, const char *watched)
{
    struct known_schema *known = known_create(prefix, watched);
    struct slice fields = json_scan_member(schema, "fields");
    struct slice row = slice_is_null(fields) ? fields : field_named(fields, "after", &known->arena);

    known->envelope = !slice_is_null(row) && !slice_is_null(field_named(fields, "op", &known->arena));
    if (known->envelope)
        fields = json_scan_member(row, "fields");
    if (slice_is_null(fields) || !columns_read(known, fields)) {
        known_destroy(known);
        return NULL;
    }
    return known;
}

static bool schema_matches(const struct known_schema *known, struct slice value)
{
    return known != NULL && known->prefix.size < value.size && memcmp(known->prefix.data, value.data, known->prefix.size) == 0;
}

/* Puts a new schema in the place of the one not used for longest. */
static void schema_keep(struct change_decoder *decoder, struct known_schema *known)
{
    size_t oldest = 0;

    for (size_t i = 0; i < SCHEMAS_MAX; i++) {
        if (decoder->known[i] == NULL) {
            oldest = i;
            break;
        }
        if (decoder->known[i]->used < decoder->known[oldest]->used)
            oldest = i;
    }
    known_destroy(decoder->known[oldest]);
    decoder->known[oldest] = known;
}

/* ---- The decoder ---- */

struct change_decoder *change_decoder_create(void)
{
    struct change_decoder *decoder = memory_new(sizeof(*decoder));

    map_init(&decoder->scales);
    buffer_init(&decoder->bytes, 1 << 20);
    decoder->plain = known_create(slice_null(), NULL);
    decoder->plain->envelope = true;
    return decoder;
}

void change_decoder_destroy(struct change_decoder *decoder)
{
    if (decoder == NULL)
        return;
    for (size_t i = 0; i < SCHEMAS_MAX; i++)
        known_destroy(decoder->known[i]);
    known_destroy(decoder->plain);
    map_finish(&decoder->scales);
    buffer_finish(&decoder->bytes);
    memory_free(decoder->watched);
    memory_free(decoder);
}

void change_decoder_set_scale(struct change_decoder *decoder, const char *column, int32_t scale)
{
    (void)map_put_string(&decoder->scales, column, (void *)(intptr_t)(scale + 1));
}

void change_decoder_watch(struct change_decoder *decoder, const char *column, change_seen *seen, void *context)
{
    decoder->watched = memory_copy_string(column);
    decoder->seen = seen;
    decoder->context = context;
    decoder->plain->watched_name = decoder->watched;
}

/* ---- Values ---- */

/* Keeps the base64 text when the number does not fit into 38 digits. */
static void decimal_read(struct change_decoder *decoder, struct slice text, int32_t scale, struct change_value *value)
{
    value->text = text;
    value->type = CHANGE_BYTES;
    buffer_reset(&decoder->bytes);
    if (base64_decode(&decoder->bytes, text) && decimal_from_bytes(buffer_slice(&decoder->bytes), scale, &value->decimal))
        value->type = CHANGE_DECIMAL;
}

static void number_read(struct slice text, struct change_value *value)
{
    value->text = text;
    if (text_parse_int64(text, &value->integer)) {
        value->type = CHANGE_INTEGER;
        value->decimal = decimal_from_int64(value->integer);
        value->real = (double)value->integer;
        return;
    }
    value->type = CHANGE_REAL;
    if (decimal_parse(text, &value->decimal))
        value->type = CHANGE_DECIMAL;
    if (!text_parse_double(text, &value->real))
        value->type = CHANGE_OTHER;
}

static void text_read(struct change_decoder *decoder, const struct change_column *column, struct json_scan *in, struct arena *arena,
                      struct change_value *value)
{
    value->text = json_text_read(in, arena);
    value->type = column->type == CHANGE_BYTES ? CHANGE_BYTES : CHANGE_TEXT;
    if (column->type == CHANGE_DECIMAL && column->scale >= 0)
        decimal_read(decoder, value->text, column->scale, value);
    else if (column->type == CHANGE_REAL && text_parse_double(value->text, &value->real)) /* "NaN", "Infinity" */
        value->type = CHANGE_REAL;
}

/* {"scale":2,"value":"AfQ="} */
static void variable_scale_read(struct change_decoder *decoder, struct slice object, struct arena *arena, struct change_value *value)
{
    int64_t scale = json_member_integer(object, "scale", -1);
    struct slice text = json_member_text(object, "value", arena);

    if (!slice_is_null(text) && scale >= 0 && scale <= 38)
        decimal_read(decoder, text, (int32_t)scale, value);
}

static void value_read(struct change_decoder *decoder, const struct change_column *column, struct json_scan *in, struct arena *arena,
                       struct change_value *value)
{
    enum json_kind kind = json_peek(in);

    *value = (struct change_value){.known = true, .type = column->type};
    switch (kind) {
    case JSON_NULL:
        value->null = true;
        (void)json_skip(in);
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        value->type = CHANGE_BOOLEAN;
        value->integer = kind == JSON_TRUE;
        (void)json_skip(in);
        return;
    case JSON_STRING:
        text_read(decoder, column, in, arena, value);
        return;
    case JSON_NUMBER:
        number_read(json_skip(in), value);
        break;
    default:
        value->type = CHANGE_OTHER;
        value->text = json_skip(in);
        if (column->type == CHANGE_DECIMAL)
            variable_scale_read(decoder, value->text, arena, value);
        return;
    }
    if (value->type == CHANGE_INTEGER && (column->type == CHANGE_DATE || column->type == CHANGE_TIMESTAMP)) {
        value->type = column->type;
        value->integer = value->integer / column->unit_us_den * column->unit_us_num;
    } else if (column->type == CHANGE_REAL) {
        value->type = CHANGE_REAL;
    }
}

/* ---- Rows ---- */

static size_t column_find(const struct known_schema *known, struct slice name)
{
    for (size_t i = 0; i < known->schema.column_count; i++) {
        if (slice_equal_string(name, known->columns[i].name))
            return i;
    }
    return SIZE_MAX;
}

/* Without a schema the columns are those that were met so far. */
static void plain_learn(struct change_decoder *decoder, struct slice row)
{
    struct json_scan in = json_scan_of(row);
    bool first = true;

    if (json_peek(&in) != JSON_OBJECT)
        return;
    json_open(&in, '{');
    while (json_next(&in, '}', &first)) {
        struct slice name = json_name(&in);

        (void)json_skip(&in);
        if (in.failed == NULL && column_find(decoder->plain, name) == SIZE_MAX) {
            intptr_t scale = (intptr_t)map_get(&decoder->scales, name) - 1;
            struct change_column column = {.scale = (int32_t)scale, .unit_us_num = 1, .unit_us_den = 1, .meaning = ""};

            column.type = scale >= 0 ? CHANGE_DECIMAL : CHANGE_OTHER;
            (void)column_add(decoder->plain, name, column);
        }
    }
}

static const struct change_value *row_read(struct change_decoder *decoder, const struct known_schema *known, struct json_scan *in,
                                           struct arena *arena)
{
    struct change_value *values, unused;
    size_t expected = 0;
    bool first = true, seen = false;

    if (json_peek(in) == JSON_NULL) {
        (void)json_skip(in);
        return NULL;
    }
    values = arena_new_array(arena, known->schema.column_count, sizeof(*values));
    for (size_t i = 0; i < known->schema.column_count; i++)
        values[i].null = true;
    json_open(in, '{');
    while (json_next(in, '}', &first)) {
        size_t column = expected;

        if (expected < known->schema.column_count && known->names[expected].size < (size_t)(in->end - in->at) &&
            memcmp(in->at, known->names[expected].data, known->names[expected].size) == 0)
            in->at += known->names[expected].size;
        else
            column = column_find(known, json_name(in));
        if (column == SIZE_MAX) {
            struct change_column other = {.type = CHANGE_OTHER};
            value_read(decoder, &other, in, arena, &unused);
        } else {
            value_read(decoder, &known->columns[column], in, arena, &values[column]);
            expected = column + 1;
            if (column == known->watched) {
                decoder->seen(decoder->context, &values[column], arena);
                seen = true;
            }
        }
    }
    if (seen)
        decoder->seen(decoder->context, NULL, arena);
    return values;
}

/* ---- Envelopes ---- */

/* LITERAL: not looked at, and most likely the same in the next message. */
enum part { PART_LITERAL, PART_OTHER, PART_BEFORE, PART_AFTER, PART_SOURCE, PART_OPERATION, PART_TS_US, PART_TS_MS, PART_LSN, PART_TRANSACTION, PART_SCHEMA, PART_TABLE };

struct part_name {
    const char *name;
    enum part part;
};

static const struct part_name envelope_names[] = {
    {"before", PART_BEFORE}, {"after", PART_AFTER}, {"source", PART_SOURCE}, {"op", PART_OPERATION}, {"transaction", PART_OTHER}, {NULL, PART_LITERAL}};
static const struct part_name source_names[] = {{"ts_us", PART_TS_US},   {"ts_ms", PART_TS_MS}, {"lsn", PART_LSN},        {"txId", PART_TRANSACTION},
                                                {"schema", PART_SCHEMA}, {"table", PART_TABLE}, {"sequence", PART_OTHER}, {NULL, PART_LITERAL}};

static enum part part_of(const struct part_name *names, struct slice name)
{
    while (names->name != NULL && !slice_equal_string(name, names->name))
        names++;
    return names->part;
}

/* One value of an envelope or of its source; what is of another kind than it should be is not looked at. */
static void part_read(struct change_decoder *decoder, const struct known_schema *known, struct json_scan *in, enum part part, struct arena *arena,
                      struct change *change, int64_t *time_ms)
{
    enum json_kind kind = json_peek(in);
    bool escaped;

    if (part == PART_BEFORE) {
        change->before = row_read(decoder, known, in, arena);
    } else if (part == PART_AFTER) {
        change->after = row_read(decoder, known, in, arena);
    } else if (part == PART_OPERATION) {
        struct slice operation = json_scan_string(in, &escaped);

        change->operation = operation.size == 1 ? (char)operation.data[0] : '\0';
    } else if (kind == JSON_NUMBER && part == PART_TS_US) {
        change->source_time_us = json_scan_integer(in);
    } else if (kind == JSON_NUMBER && part == PART_TS_MS) {
        *time_ms = json_scan_integer(in);
    } else if (kind == JSON_NUMBER && part == PART_LSN) {
        change->lsn = json_scan_integer(in);
    } else if (kind == JSON_NUMBER && part == PART_TRANSACTION) {
        change->transaction_id = json_scan_integer(in);
    } else if (kind == JSON_STRING && part == PART_SCHEMA) {
        change->table_schema = json_scan_string(in, &escaped);
    } else if (kind == JSON_STRING && part == PART_TABLE) {
        change->table = json_scan_string(in, &escaped);
    } else {
        (void)json_skip(in);
    }
}

/* Text up to a value, which ends at `after`; too much of it: no shape is known. */
static void shape_add(struct shape *shape, const uint8_t **end, const uint8_t *value, const uint8_t *after, enum part part)
{
    size_t size = (size_t)(value - *end);

    if (shape->slot_count == SLOTS_MAX || size > sizeof(shape->text) - shape->size) {
        *end = NULL;
        return;
    }
    memcpy(shape->text + shape->size, *end, size);
    shape->size += size;
    shape->slots[shape->slot_count].before = (uint16_t)size;
    shape->slots[shape->slot_count++].part = (uint8_t)part;
    *end = after;
}

/* The members of an envelope, or of its source, by name. *shaped: up to where the shape goes; NULL: it does not fit. */
static void members_read(struct change_decoder *decoder, struct known_schema *known, struct json_scan *in, const struct part_name *names,
                         struct arena *arena, struct change *change, int64_t *time_ms, const uint8_t **shaped)
{
    bool first = true;

    json_open(in, '{');
    while (json_next(in, '}', &first)) {
        enum part part = part_of(names, json_name(in));
        enum json_kind kind = json_peek(in);
        const uint8_t *value = in->at;

        if (part == PART_SOURCE && kind == JSON_OBJECT) {
            members_read(decoder, known, in, source_names, arena, change, time_ms, shaped);
            continue;
        }
        part_read(decoder, known, in, part, arena, change, time_ms);
        if (part == PART_LITERAL && (kind == JSON_NUMBER || kind == JSON_ARRAY || kind == JSON_OBJECT))
            part = PART_OTHER;
        if (part != PART_LITERAL && part != PART_SOURCE && *shaped != NULL)
            shape_add(&known->shape, shaped, value, in->at, part);
    }
}

/* False when the message is not of the shape of the last one: nothing is read then. */
static bool shape_read(struct change_decoder *decoder, const struct known_schema *known, struct json_scan *in, struct arena *arena,
                       struct change *change, int64_t *time_ms)
{
    const struct shape *shape = &known->shape;
    const uint8_t *text = shape->text;
    struct change read = *change;
    struct json_scan at = *in;

    for (size_t i = 0; i < shape->slot_count; i++) {
        size_t size = shape->slots[i].before;

        if (at.failed != NULL || size > (size_t)(at.end - at.at) || memcmp(at.at, text, size) != 0)
            return false;
        at.at += size;
        text += size;
        part_read(decoder, known, &at, (enum part)shape->slots[i].part, arena, &read, time_ms);
    }
    if (at.failed != NULL || shape->slot_count == 0 || shape->last > (size_t)(at.end - at.at) || memcmp(at.at, text, shape->last) != 0)
        return false;
    at.at += shape->last;
    *in = at;
    *change = read;
    return true;
}

static void envelope_read(struct change_decoder *decoder, struct known_schema *known, struct json_scan *in, struct arena *arena,
                          struct change *change)
{
    struct shape *shape = &known->shape;
    const uint8_t *shaped = in->at;
    int64_t time_ms = 0;

    if (!shape_read(decoder, known, in, arena, change, &time_ms)) {
        time_ms = 0;
        shape->size = shape->slot_count = 0;
        members_read(decoder, known, in, envelope_names, arena, change, &time_ms, &shaped);
        shape->last = shaped == NULL ? 0 : (size_t)(in->at - shaped);
        if (in->failed != NULL || shaped == NULL || shape->last > sizeof(shape->text) - shape->size)
            shape->slot_count = 0;
        else
            memcpy(shape->text + shape->size, shaped, shape->last);
    }
    if (change->source_time_us == 0)
        change->source_time_us = time_ms * 1000;
}

/* ---- Messages ---- */

/* Cuts {"schema":S,"payload":P} apart; false when it is not that. prefix runs to the payload. */
static bool message_split(struct slice value, struct slice *prefix, struct slice *schema, struct slice *payload)
{
    struct json_scan in = json_scan_of(value);
    bool first = true;

    *schema = *payload = slice_null();
    if (json_peek(&in) != JSON_OBJECT)
        return false;
    json_open(&in, '{');
    while (json_next(&in, '}', &first)) {
        struct slice name = json_name(&in);

        if (slice_equal_string(name, "schema")) {
            *schema = json_skip(&in);
        } else if (slice_equal_string(name, "payload")) {
            (void)json_peek(&in);
            *prefix = slice_of(value.data, json_scan_position(&in));
            *payload = json_skip(&in);
        } else {
            return false;
        }
    }
    return in.failed == NULL && !slice_is_null(*schema) && !slice_is_null(*payload);
}

/* The schema of a message, and its payload from where it begins to the end of the message. */
static struct known_schema *schema_find(struct change_decoder *decoder, struct slice value, struct slice *payload)
{
    struct slice prefix, schema;

    if (!schema_matches(decoder->last, value)) {
        struct known_schema *found = NULL;

        for (size_t i = 0; i < SCHEMAS_MAX && found == NULL; i++) {
            if (schema_matches(decoder->known[i], value))
                found = decoder->known[i];
        }
        if (found == NULL) {
            if (!message_split(value, &prefix, &schema, payload) || slice_equal_string(schema, "null"))
                return NULL;
            found = schema_learn(prefix, schema, decoder->watched);
            if (found == NULL)
                return NULL;
            schema_keep(decoder, found);
            /* The payload may come before the schema: then the prefix says nothing of it, and is not used again. */
            if (schema.data > payload->data)
                found->prefix.size = SIZE_MAX;
        }
        decoder->last = found;
    }
    decoder->last->used = ++decoder->clock;
    if (decoder->last->prefix.size != SIZE_MAX)
        *payload = slice_from(value, decoder->last->prefix.size);
    return decoder->last;
}

/* A message without schema: {"before":…,"after":…,"op":…} or a row. */
static struct known_schema *plain_find(struct change_decoder *decoder, struct slice value, struct slice *payload)
{
    struct slice schema, prefix;
    struct slice operation;

    *payload = value;
    if (message_split(value, &prefix, &schema, payload) == false)
        *payload = value;
    operation = json_scan_member(*payload, "op");
    decoder->plain->envelope = !slice_is_null(operation) && !slice_is_null(json_scan_member(*payload, "after"));
    if (decoder->plain->envelope) {
        plain_learn(decoder, json_scan_member(*payload, "before"));
        plain_learn(decoder, json_scan_member(*payload, "after"));
    } else {
        plain_learn(decoder, *payload);
    }
    return decoder->plain;
}

enum status change_decode(struct change_decoder *decoder, struct slice value, struct arena *arena, struct change *change, struct error *error)
{
    static const char head[] = "{\"schema\":";
    bool has_schema = value.size >= sizeof(head) - 1 && memcmp(value.data, head, sizeof(head) - 1) == 0;
    struct known_schema *known = NULL;
    struct slice payload = value;
    struct json_scan in;

    *change = (struct change){.lsn = -1, .transaction_id = -1, .table_schema = slice_of("", 0), .table = slice_of("", 0)};
    if (has_schema)
        known = schema_find(decoder, value, &payload);
    if (known == NULL)
        known = plain_find(decoder, value, &payload);
    in = json_scan_of(payload);
    if (json_peek(&in) != JSON_OBJECT)
        return error_set(error, ERROR_BAD_INPUT, "not a change event: no JSON object at byte %zu", (size_t)(payload.data - value.data));
    change->schema = &known->schema;
    if (known->envelope)
        envelope_read(decoder, known, &in, arena, change);
    else
        change->after = row_read(decoder, known, &in, arena);
    if (in.failed != NULL)
        return error_set(error, ERROR_BAD_INPUT, "not a change event: expected %s at byte %zu", in.failed,
                         (size_t)(payload.data - value.data) + json_scan_position(&in));
    change->schema = &known->schema;
    return OK;
}

const struct change_value *change_column(const struct change *change, const struct change_value *row, const char *name)
{
    if (row == NULL)
        return NULL;
    for (size_t i = 0; i < change->schema->column_count; i++) {
        if (strcmp(change->schema->columns[i].name, name) == 0)
            return &row[i];
    }
    return NULL;
}
