/*
 * Recorded input through the encoder, compared with what the real connector wrote for the same SQL (see data/record.py).
 * Only what differs between two runs of the real thing is not compared: the tokens in angle brackets of the recordings.
 */
#include "check.h"

#include <dirent.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "base/memory.h"
#include "base/reader.h"
#include "base/regexes.h"
#include "base/text.h"
#include "base/time.h"
#include "wire/debezium/envelope.h"
#include "wire/postgres/copy.h"
#include "wire/postgres/pgoutput.h"
#include "wire/postgres/value.h"

#define FIELDS_MAX 64
#define ITEMS_MAX 256
#define ROWS_MAX 4096

struct made {
    char *topic;
    char *key, *value; /* NULL: null */
    size_t key_size, value_size;
    struct slice headers;
    bool taken;
};

struct relation {
    struct pg_relation relation;
    struct debezium_plan *plan;
    bool captured;
};

struct snapshot_row {
    size_t relation; /* index in run.snapshots */
    struct pg_row row;
    size_t order;
};

/* One case on its way. */
struct run {
    struct arena arena;
    struct properties properties;
    struct debezium_config *config;
    struct debezium_encoder *encoder;
    struct regexes *snapshot_list;

    struct pg_type *types[ITEMS_MAX];
    size_t type_count;
    struct relation snapshots[ITEMS_MAX], streams[ITEMS_MAX];
    size_t snapshot_count, stream_count;
    struct relation *open; /* whose columns follow */
    struct snapshot_row rows[ROWS_MAX];
    size_t row_count;

    struct pgoutput_decoder decoder;
    struct debezium_source source;
    int64_t now_ns;
    struct made *made;
    size_t made_count, made_capacity;
    bool streaming, failed;
    struct error error;
};

/* ---- Output ---- */

static char *join(struct run *run, struct slice a, struct slice b, size_t *size)
{
    char *text = arena_new(&run->arena, a.size + b.size + 1);

    if (a.size > 0)
        memcpy(text, a.data, a.size);
    if (b.size > 0)
        memcpy(text + a.size, b.data, b.size);
    *size = a.size + b.size;
    return text;
}

static void keep(struct run *run, const struct debezium_output *output)
{
    for (size_t i = 0; i < output->count; i++) {
        const struct debezium_record *record = &output->records[i];
        struct made *made;

        if (run->made_count == run->made_capacity) {
            run->made_capacity = run->made_capacity * 2 + 64;
            run->made = memory_resize(run->made, run->made_capacity * sizeof(*run->made));
        }
        made = &run->made[run->made_count++];
        memset(made, 0, sizeof(*made));
        made->topic = memory_copy_string(record->topic);
        if (record->key.data != NULL)
            made->key = join(run, record->key, slice_null(), &made->key_size);
        if (record->value_head.data != NULL || record->value_body.data != NULL)
            made->value = join(run, record->value_head, record->value_body, &made->value_size);
        made->headers = arena_copy(&run->arena, record->headers);
    }
}

static void done(struct run *run, enum status status, const struct debezium_output *output)
{
    if (status == OK) {
        keep(run, output);
        return;
    }
    print_message("encoding stopped: %s\n", run->error.message);
    run->failed = true;
}

/* ---- Reading a recording ---- */

static int64_t number(const struct pg_value *value)
{
    int64_t result = 0;

    assert_true(pg_integer_read(value->text, &result));
    return result;
}

static const char *text(struct run *run, const struct pg_value *value)
{
    return value->kind == PG_VALUE_NULL ? NULL : arena_copy_string(&run->arena, value->text);
}

static const struct pg_type *find_type(struct run *run, int64_t oid)
{
    for (size_t i = 0; i < run->type_count; i++) {
        if (run->types[i]->oid == (uint32_t)oid)
            return run->types[i];
    }
    return NULL;
}

static void read_type(struct run *run, const struct pg_row *row)
{
    const struct pg_value *v = row->values;
    struct pg_type *type = arena_new(&run->arena, sizeof(*type));

    type->oid = (uint32_t)number(&v[1]);
    type->schema = text(run, &v[2]);
    type->name = text(run, &v[3]);
    type->kind = (char)v[4].text.data[0];
    type->category = (char)v[5].text.data[0];
    type->element = find_type(run, number(&v[6]));
    type->base = find_type(run, number(&v[7]));
    type->modifier = (int32_t)number(&v[8]);
    type->label_count = row->count - 9;
    type->labels = arena_new_array(&run->arena, type->label_count + 1, sizeof(*type->labels));
    for (size_t i = 0; i < type->label_count; i++)
        type->labels[i] = text(run, &v[9 + i]);
    assert_true(run->type_count < ITEMS_MAX);
    run->types[run->type_count++] = type;
}

static struct relation *find_relation(struct relation *relations, size_t count, int64_t oid)
{
    for (size_t i = count; i-- > 0;) {
        if (relations[i].relation.oid == (uint32_t)oid)
            return &relations[i];
    }
    return NULL;
}

static void read_relation(struct run *run, const struct pg_row *row)
{
    const struct pg_value *v = row->values;
    bool streaming = slice_equal_string(v[1].text, "stream");
    size_t *count = streaming ? &run->stream_count : &run->snapshot_count;
    struct relation *relation = streaming ? &run->streams[*count] : &run->snapshots[*count];

    assert_true(*count < ITEMS_MAX);
    (*count)++;
    memset(relation, 0, sizeof(*relation));
    relation->relation.oid = (uint32_t)number(&v[2]);
    relation->relation.schema = text(run, &v[3]);
    relation->relation.name = text(run, &v[4]);
    relation->relation.replica_identity = (char)v[5].text.data[0];
    relation->relation.columns = arena_new_array(&run->arena, FIELDS_MAX, sizeof(*relation->relation.columns));
    relation->captured = debezium_config_captures_table(run->config, relation->relation.schema, relation->relation.name);
    run->open = relation;
}

static void read_column(struct run *run, const struct pg_row *row)
{
    const struct pg_value *v = row->values;
    struct pg_column *column = &run->open->relation.columns[run->open->relation.column_count++];

    assert_true(run->open->relation.column_count < FIELDS_MAX);
    column->name = text(run, &v[1]);
    column->type = find_type(run, number(&v[2]));
    assert_non_null(column->type);
    column->modifier = (int32_t)number(&v[3]);
    column->in_replica_identity = slice_equal_string(v[4].text, "t");
    column->not_null = slice_equal_string(v[5].text, "t");
    column->generated = slice_equal_string(v[6].text, "t");
    column->key_position = (int16_t)number(&v[7]);
    column->default_sql = text(run, &v[8]);
}

/* ---- Snapshot ---- */

static void read_row(struct run *run, const struct pg_row *row)
{
    struct relation *relation = find_relation(run->snapshots, run->snapshot_count, number(&row->values[1]));
    struct slice line = arena_copy(&run->arena, row->values[2].text);
    struct pg_value *values = arena_new_array(&run->arena, FIELDS_MAX, sizeof(*values));
    struct snapshot_row *kept = &run->rows[run->row_count];

    assert_true(run->row_count < ROWS_MAX);
    kept->relation = (size_t)(relation - run->snapshots);
    kept->order = run->row_count++;
    assert_true(copy_row_read((uint8_t *)line.data, line.size, values, FIELDS_MAX, &kept->row));
}

static struct run *sorting;

/* Tables by their place in table.include.list, then by name; rows as they came. */
static int compare_rows(const void *a, const void *b)
{
    const struct snapshot_row *left = a, *right = b;
    const struct pg_relation *l = &sorting->snapshots[left->relation].relation, *r = &sorting->snapshots[right->relation].relation;
    size_t lr = debezium_config_table_rank(sorting->config, l->schema, l->name),
           rr = debezium_config_table_rank(sorting->config, r->schema, r->name);
    int order = lr < rr ? -1 : lr > rr;

    if (order == 0)
        order = strcmp(l->schema, r->schema);
    if (order == 0)
        order = strcmp(l->name, r->name);
    return order != 0 ? order : left->order < right->order ? -1 : left->order > right->order;
}

static bool is_read(struct run *run, const struct relation *relation)
{
    char *name = memory_format("%s.%s", relation->relation.schema, relation->relation.name);
    bool read = relation->captured && (run->snapshot_list == NULL || regexes_match(run->snapshot_list, slice_from_string(name)));

    memory_free(name);
    return read;
}

/* The first of the tables read, empty or not: only its first row is marked "first". */
static size_t first_table(struct run *run)
{
    size_t first = SIZE_MAX;
    struct snapshot_row rows[2];

    for (size_t i = 0; i < run->snapshot_count; i++) {
        rows[0] = (struct snapshot_row){.relation = i};
        rows[1] = (struct snapshot_row){.relation = first};
        if (is_read(run, &run->snapshots[i]) && (first == SIZE_MAX || compare_rows(&rows[0], &rows[1]) < 0))
            first = i;
    }
    return first;
}

static void emit_snapshot(struct run *run)
{
    size_t count = 0, first_of_all;

    for (size_t i = 0; i < run->row_count; i++) {
        if (is_read(run, &run->snapshots[run->rows[i].relation]))
            run->rows[count++] = run->rows[i];
    }
    sorting = run;
    first_of_all = first_table(run);
    qsort(run->rows, count, sizeof(*run->rows), compare_rows);
    for (size_t i = 0; i < count && !run->failed; i++) {
        struct relation *relation = &run->snapshots[run->rows[i].relation];
        bool first = i == 0 || run->rows[i - 1].relation != run->rows[i].relation;
        bool last = i + 1 == count || run->rows[i + 1].relation != run->rows[i].relation;
        struct debezium_event event = {OPERATION_READ, NULL, &run->rows[i].row, &run->source, run->now_ns};
        struct debezium_output output;

        if (relation->plan == NULL)
            assert_int_equal(debezium_plan_create(run->encoder, &relation->relation, READER_SNAPSHOT, &relation->plan, &run->error), OK);
        run->source.snapshot = i + 1 == count                                    ? SNAPSHOT_LAST
                               : i == 0 && run->rows[i].relation == first_of_all ? SNAPSHOT_FIRST
                               : last                                            ? SNAPSHOT_LAST_IN_DATA_COLLECTION
                               : first                                           ? SNAPSHOT_FIRST_IN_DATA_COLLECTION
                                                                                 : SNAPSHOT_TRUE;
        done(run, debezium_encode(run->encoder, relation->plan, &event, &output, &run->error), &output);
    }
    run->source.snapshot = SNAPSHOT_FALSE;
    run->streaming = true;
}

/* ---- Stream ---- */

static void apply_change(struct run *run, const struct pgoutput_message *message)
{
    struct relation *relation = find_relation(run->streams, run->stream_count, message->change.relation_oid);
    struct debezium_event event = {.source = &run->source, .now_ns = run->now_ns};
    struct debezium_output output;

    assert_non_null(relation);
    if (!relation->captured)
        return;
    event.operation = message->kind == PGOUTPUT_INSERT   ? OPERATION_CREATE
                      : message->kind == PGOUTPUT_UPDATE ? OPERATION_UPDATE
                                                         : OPERATION_DELETE;
    event.old = message->change.has_old ? &message->change.old : NULL;
    event.new = message->kind == PGOUTPUT_DELETE ? NULL : &message->change.new;
    done(run, debezium_encode(run->encoder, relation->plan, &event, &output, &run->error), &output);
}

static void apply_truncate(struct run *run, struct pgoutput_truncate *truncate)
{
    for (uint32_t i = 0; i < truncate->relation_count; i++) {
        struct relation *relation = find_relation(run->streams, run->stream_count, read_u32(&truncate->relations));
        struct debezium_event event = {.operation = OPERATION_TRUNCATE, .source = &run->source, .now_ns = run->now_ns};
        struct debezium_output output;

        if (relation != NULL && relation->captured)
            done(run, debezium_encode(run->encoder, relation->plan, &event, &output, &run->error), &output);
    }
}

static void apply_emitted(struct run *run, const struct pgoutput_emitted *emitted)
{
    struct debezium_source source = run->source;
    struct debezium_output output;

    if (!debezium_config_captures_message(run->config, emitted->prefix))
        return;
    if (!emitted->transactional) {
        source.xid = -1;
        source.last_commit_lsn = source.lsn;
    }
    done(run,
         debezium_encode_message(run->encoder, emitted->transactional, emitted->prefix, emitted->content, &source, run->now_ns, &output,
                                 &run->error),
         &output);
}

static void read_message(struct run *run, const struct pg_row *row)
{
    struct buffer hex, bytes;
    struct pgoutput_message message;
    struct debezium_output output = {0};
    struct relation *relation;

    if (!run->streaming)
        emit_snapshot(run);
    buffer_init(&hex, 1 << 24);
    buffer_init(&bytes, 1 << 24);
    buffer_append_string(&hex, "\\x");
    buffer_append_slice(&hex, row->values[2].text);
    assert_true(pg_bytea_read(buffer_slice(&hex), &bytes));
    assert_true(pgoutput_decode(&run->decoder, buffer_slice(&bytes), &message));
    if (number(&row->values[1]) != 0)
        run->source.lsn = (uint64_t)number(&row->values[1]);
    switch (message.kind) {
    case PGOUTPUT_BEGIN:
        run->source.xid = message.begin.xid;
        run->source.time_ns = message.begin.commit_time_us * 1000;
        done(run,
             debezium_encode_begin(run->encoder, message.begin.xid, run->source.lsn, message.begin.commit_time_us, &output, &run->error),
             &output);
        break;
    case PGOUTPUT_COMMIT:
        run->source.last_commit_lsn = message.commit.end_lsn;
        done(run, debezium_encode_commit(run->encoder, message.commit.end_lsn, message.commit.commit_time_us, &output, &run->error),
             &output);
        break;
    case PGOUTPUT_RELATION:
        relation = run->open;
        assert_int_equal(relation->relation.oid, message.relation.oid);
        if (relation->captured)
            assert_int_equal(debezium_plan_create(run->encoder, &relation->relation, READER_STREAM, &relation->plan, &run->error), OK);
        break;
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE: apply_change(run, &message); break;
    case PGOUTPUT_TRUNCATE: apply_truncate(run, &message.truncate); break;
    case PGOUTPUT_MESSAGE: apply_emitted(run, &message.message); break;
    default: break;
    }
    buffer_finish(&hex);
    buffer_finish(&bytes);
}

/* ---- A whole recording ---- */

static void start(struct run *run)
{
    if (run->config != NULL)
        return;
    if (debezium_config_create(&run->properties, NULL, NULL, &run->config, &run->error) != OK)
        fail_msg("%s", run->error.message);
    run->encoder = debezium_encoder_create(run->config, "0193d2c6-0000-7000-8000-000000000000");
    if (properties_get(&run->properties, "snapshot.include.collection.list") != NULL)
        assert_int_equal(regexes_create(properties_get(&run->properties, "snapshot.include.collection.list"), REGEXES_IGNORE_CASE,
                                        &run->snapshot_list, &run->error),
                         OK);
}

static void read_line(struct run *run, const struct pg_row *row)
{
    struct slice kind = row->values[0].text;

    if (slice_equal_string(kind, "config")) {
        properties_set(&run->properties, text(run, &row->values[1]), text(run, &row->values[2]));
        return;
    }
    start(run);
    if (slice_equal_string(kind, "type"))
        read_type(run, row);
    else if (slice_equal_string(kind, "relation"))
        read_relation(run, row);
    else if (slice_equal_string(kind, "column"))
        read_column(run, row);
    else if (slice_equal_string(kind, "row"))
        read_row(run, row);
    else if (slice_equal_string(kind, "message"))
        read_message(run, row);
    else
        fail_msg("unknown line in a recording");
}

static char *read_file(const char *folder, const char *name, const char *ending)
{
    char *path = memory_format("%s/%s%s", folder, name, ending), *content = NULL;
    FILE *file = fopen(path, "r");
    size_t size = 0;
    ssize_t got;

    if (file == NULL)
        print_message("cannot open %s\n", path);
    memory_free(path);
    if (file == NULL)
        return NULL;
    got = getdelim(&content, &size, 0, file);
    fclose(file);
    if (got < 0) {
        free(content);
        return NULL;
    }
    return content;
}

static void replay(struct run *run, char *recording)
{
    struct pg_value values[FIELDS_MAX];
    struct pg_row row;
    char *line, *rest = recording;

    run->source = (struct debezium_source){.time_ns = INT64_C(1795349063628447000), .lsn = 26537120, .xid = 700, .xmin = -1};
    run->now_ns = INT64_C(1795349063908587666);
    while (!run->failed && (line = strsep(&rest, "\n")) != NULL) {
        if (*line == 0)
            continue;
        assert_true(copy_row_read((uint8_t *)line, strlen(line), values, FIELDS_MAX, &row));
        read_line(run, &row);
    }
    if (!run->streaming && !run->failed)
        emit_snapshot(run);
}

static void run_init(struct run *run)
{
    memset(run, 0, sizeof(*run));
    arena_init(&run->arena, 1 << 16);
    properties_init(&run->properties);
    pgoutput_decoder_init(&run->decoder);
}

static void run_finish(struct run *run)
{
    for (size_t i = 0; i < run->snapshot_count; i++)
        debezium_plan_destroy(run->snapshots[i].plan);
    for (size_t i = 0; i < run->stream_count; i++)
        debezium_plan_destroy(run->streams[i].plan);
    for (size_t i = 0; i < run->made_count; i++)
        memory_free(run->made[i].topic);
    memory_free(run->made);
    debezium_encoder_destroy(run->encoder);
    debezium_config_destroy(run->config);
    regexes_destroy(run->snapshot_list);
    pgoutput_decoder_finish(&run->decoder);
    properties_finish(&run->properties);
    arena_finish(&run->arena);
}

/* ---- Comparing ---- */

static const char *const tokens[] = {"now",  "commit time", "snapshot time",     "snapshot lsn", "snapshot xid", "earlier commit",
                                     "lsn ", "xid ",        "commit after lsn ", "run ",         "window",       "id",
                                     "any",  "sequence"};

/* "<lsn 3>" at the front? Gives its size, 0 when it is something else. */
static size_t token_size(const char *at)
{
    const char *close = *at == '<' ? strchr(at, '>') : NULL;

    if (close == NULL)
        return 0;
    for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
        if (strncmp(at + 1, tokens[i], strlen(tokens[i])) == 0)
            return (size_t)(close - at) + 1;
    }
    return 0;
}

/* The first place where two texts differ, tokens standing for numbers; NULL when there is none. */
static const char *difference(const char *expected, const char *actual)
{
    while (*expected != 0) {
        bool quoted =
            expected[0] == '"' && expected[1] == '<' && token_size(expected + 1) > 0 && expected[1 + token_size(expected + 1)] == '"';
        size_t token = quoted ? token_size(expected + 1) + 2 : token_size(expected);

        if (token > 0) {
            size_t digits = strspn(actual, "0123456789");

            if (digits == 0)
                return expected;
            expected += token;
            actual += digits;
            continue;
        }
        if (*expected != *actual)
            return expected;
        expected++;
        actual++;
    }
    return *actual == 0 ? NULL : expected;
}

/* Appends `text` up to and including the next `label`, then `token` for the number or text behind it; gives what is left. */
static const char *replace_behind(struct buffer *out, const char *text, const char *label, const char *token)
{
    const char *found = strstr(text, label);

    assert_non_null(found);
    found += strlen(label);
    buffer_append(out, text, (size_t)(found - text));
    buffer_append_string(out, token);
    return found + strspn(found, "0123456789");
}

/* The payload of a streamed event as the recordings write it, when these are the ranks of its numbers. */
static void normalise(struct buffer *out, const char *payload, unsigned lsn, unsigned xid, unsigned commit)
{
    char lsn_token[32], quoted_lsn[32], xid_token[32], commit_token[64];
    const char *rest = strstr(payload, ",\"source\":{");

    (void)snprintf(lsn_token, sizeof(lsn_token), "<lsn %u>", lsn);
    (void)snprintf(quoted_lsn, sizeof(quoted_lsn), "\"<lsn %u>\"", lsn);
    (void)snprintf(xid_token, sizeof(xid_token), "\"<xid %u>\"", xid);
    (void)snprintf(commit_token, sizeof(commit_token), "<commit after lsn %u>", commit);
    buffer_reset(out);
    buffer_append(out, payload, (size_t)(rest - payload));
    rest = replace_behind(out, rest, "\"ts_ms\":", "\"<commit time>\"");
    if (strstr(rest, "\"sequence\":\"[null") == NULL)
        rest = replace_behind(out, rest, "\"sequence\":\"[\\\"", commit_token);
    rest = replace_behind(out, rest, ",\\\"", lsn_token);
    rest = replace_behind(out, rest, "\"ts_us\":", "\"<commit time>\"");
    rest = replace_behind(out, rest, "\"ts_ns\":", "\"<commit time>\"");
    rest = replace_behind(out, rest, "\"txId\":", xid_token);
    rest = replace_behind(out, rest, "\"lsn\":", quoted_lsn);
    rest = replace_behind(out, rest, "\"ts_ms\":", "\"<now>\"");
    rest = replace_behind(out, rest, "\"ts_us\":", "\"<now>\"");
    rest = replace_behind(out, rest, "\"ts_ns\":", "\"<now>\"");
    buffer_append(out, rest, strlen(rest) - 1); /* without the closing brace of the envelope */
}

/* Of a payload that was too long to keep there is a digest, taken after its numbers were replaced by their ranks: all are tried. */
static bool long_payload_is(const char *kept, const char *payload)
{
    json_t *json = json_loads(kept, 0, NULL);
    const char *sha256 = json_string_value(json_object_get(json, "sha256"));
    struct buffer text;
    bool same = false;

    buffer_init(&text, 1 << 24);
    for (unsigned i = 0; i < 9 * 9 * 9 && !same; i++) {
        uint8_t digest[EVP_MAX_MD_SIZE];
        char hex[65];

        normalise(&text, payload, 1 + i % 9, 1 + i / 9 % 9, 1 + i / 81);
        if (text.size != (size_t)json_integer_value(json_object_get(json, "bytes")))
            continue;
        assert_int_equal(EVP_Digest(text.data, text.size, digest, NULL, EVP_sha256(), NULL), 1);
        for (size_t j = 0; j < 32; j++)
            (void)snprintf(hex + 2 * j, 3, "%02x", digest[j]);
        same = strcmp(hex, sha256) == 0;
    }
    buffer_finish(&text);
    json_decref(json);
    return same;
}

struct expectation {
    json_t *schemas[ITEMS_MAX], *headers[ITEMS_MAX];
};

/* K and V of a recorded line: null, a text, or [schema, payload]. */
static const char *compare_side(const struct expectation *expectation, const json_t *side, const char *actual)
{
    const char *where;
    char *full;

    if (json_is_null(side) || actual == NULL)
        return json_is_null(side) && actual == NULL ? NULL : "null against a value";
    if (json_is_string(side)) {
        where = difference(json_string_value(side), actual);
        if (where != NULL)
            print_message("values differ\n  expected %s\n  got      %s\n  from     %.80s\n", json_string_value(side), actual, where);
        return where;
    }
    full =
        memory_format("{\"schema\":%s,\"payload\":", json_string_value(expectation->schemas[json_integer_value(json_array_get(side, 0))]));
    where = NULL;
    if (strncmp(full, actual, strlen(full)) != 0) {
        size_t at = 0;

        while (full[at] == actual[at])
            at++;
        print_message("schemas differ at %zu\n  expected …%.200s\n  got      …%.200s\n", at, full + (at < 60 ? 0 : at - 60),
                      actual + (at < 60 ? 0 : at - 60));
        where = "the schema";
    } else if (strncmp(json_string_value(json_array_get(side, 1)), "{\"sha256\":", 10) == 0) {
        where = long_payload_is(json_string_value(json_array_get(side, 1)), actual + strlen(full)) ? NULL : "the digest of a long payload";
    } else {
        char *payload = memory_format("%s}", json_string_value(json_array_get(side, 1)));

        where = difference(payload, actual + strlen(full));
        if (where != NULL)
            print_message("payloads differ\n  expected %s\n  got      %s\n  from     %.80s\n", payload, actual + strlen(full), where);
        memory_free(payload);
    }
    memory_free(full);
    return where == NULL ? NULL : "a difference";
}

/* A header's value: null (expected NULL, size -1) or a text in which tokens stand for numbers. */
static bool header_value_is(const char *expected, struct slice value, bool is_null)
{
    char *text;
    bool same;

    if (expected == NULL || is_null)
        return expected == NULL && is_null;
    text = memory_format("%.*s", (int)value.size, (const char *)value.data);
    same = strncmp(expected, "<run ", 5) == 0 || difference(expected, text) == NULL;
    memory_free(text);
    return same;
}

static bool compare_headers(const json_t *list, struct slice headers)
{
    struct reader in = reader_of(headers);
    int32_t count = read_varint32(&in);
    bool same = (size_t)count == json_array_size(list);

    for (int32_t i = 0; i < count && !in.failed && same; i++) {
        const json_t *pair = json_array_get(list, (size_t)i);
        struct slice name = read_bytes(&in, (size_t)read_varint32(&in));
        int32_t size = read_varint32(&in);
        struct slice value = read_bytes(&in, size < 0 ? 0 : (size_t)size);
        const char *expected = json_string_value(json_array_get(pair, 1));

        same = slice_equal_string(name, json_string_value(json_array_get(pair, 0))) && header_value_is(expected, value, size < 0);
        if (!same)
            print_message("headers differ: expected %s, got %.*s = %.*s\n", expected == NULL ? "null" : expected, (int)name.size,
                          (const char *)name.data, (int)value.size, (const char *)value.data);
    }
    return same && !in.failed;
}

/* The next record of this topic that nobody took; in topics with several partitions the one with this key. */
static struct made *take_made(struct run *run, const struct expectation *expectation, const json_t *line, bool many)
{
    const char *topic = json_string_value(json_object_get(line, "topic"));

    for (size_t i = 0; i < run->made_count; i++) {
        struct made *made = &run->made[i];

        if (made->taken || strcmp(made->topic, topic) != 0)
            continue;
        if (many && compare_side(expectation, json_object_get(line, "key"), made->key) != NULL)
            continue;
        made->taken = true;
        return made;
    }
    return NULL;
}

static bool compare_record(struct run *run, const struct expectation *expectation, const json_t *line, bool many)
{
    struct made *made = take_made(run, expectation, line, many);
    const char *topic = json_string_value(json_object_get(line, "topic"));
    bool same = true;

    if (made == NULL) {
        print_message("%s: a record is missing\n", topic);
        return false;
    }
    if (compare_side(expectation, json_object_get(line, "key"), made->key) != NULL)
        same = false;
    if (same && compare_side(expectation, json_object_get(line, "value"), made->value) != NULL)
        same = false;
    if (same)
        same = compare_headers(expectation->headers[json_integer_value(json_object_get(line, "headers"))], made->headers);
    if (!same)
        print_message("%s: key %s\n", topic,
                      made->key == NULL                           ? "null"
                      : strstr(made->key, "\"payload\":") != NULL ? strstr(made->key, "\"payload\":")
                                                                  : made->key);
    return same;
}

static bool compare_all(struct run *run, char *expected)
{
    struct expectation *expectation = memory_new(sizeof(*expectation));
    char *line, *rest = expected;
    bool same = true, many = false;

    while (same && (line = strsep(&rest, "\n")) != NULL) {
        json_t *json = *line == 0 ? NULL : json_loads(line, JSON_ALLOW_NUL, NULL);

        if (*line == 0)
            continue;
        assert_non_null(json);
        if (json_object_get(json, "schema") != NULL)
            expectation->schemas[json_integer_value(json_object_get(json, "schema"))] = json_incref(json_object_get(json, "text"));
        else if (json_object_get(json, "list") != NULL)
            expectation->headers[json_integer_value(json_object_get(json, "headers"))] = json_incref(json_object_get(json, "list"));
        else if (json_object_get(json, "partitions") != NULL)
            many = json_integer_value(json_object_get(json, "partitions")) > 1;
        else if (json_object_get(json, "topic") != NULL)
            same = compare_record(run, expectation, json, many);
        json_decref(json);
    }
    for (size_t i = 0; i < ITEMS_MAX; i++) {
        json_decref(expectation->schemas[i]);
        json_decref(expectation->headers[i]);
    }
    memory_free(expectation);
    for (size_t i = 0; i < run->made_count && same; i++) {
        if (!run->made[i].taken) {
            print_message("%s: one record too many: %.300s\n", run->made[i].topic,
                          run->made[i].value == NULL ? "null" : run->made[i].value);
            same = false;
        }
    }
    return same;
}

static void the_case_gives_the_recorded_bytes(void **state)
{
    const char *name = *state, *expected_folder = getenv("PEER_EXPECTED"), *data_folder = getenv("CASES_DATA");
    char *recording = read_file(data_folder != NULL ? data_folder : CASES_DATA, name, ".recorded");
    char *expected = read_file(expected_folder != NULL ? expected_folder : PEER_EXPECTED, name, ".jsonl");
    struct run *run = memory_new(sizeof(*run));
    bool same;

    assert_non_null(recording);
    assert_non_null(expected);
    run_init(run);
    replay(run, recording);
    same = !run->failed && compare_all(run, expected);
    run_finish(run);
    memory_free(run);
    free(recording);
    free(expected);
    assert_true(same);
}

/* One test a recording; those named on the command line, or all of the folder. */
int main(int argc, char **argv)
{
    const char *folder = getenv("CASES_DATA") != NULL ? getenv("CASES_DATA") : CASES_DATA;
    struct CMUnitTest tests[ITEMS_MAX];
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort), used = 0, failures;

    memset(tests, 0, sizeof(tests));
    for (int i = 0; i < count; i++) {
        char *dot = strstr(entries[i]->d_name, ".recorded");
        bool wanted = argc < 2;

        if (dot == NULL || used == ITEMS_MAX)
            continue;
        *dot = 0;
        for (int j = 1; j < argc; j++)
            wanted = wanted || strcmp(argv[j], entries[i]->d_name) == 0;
        if (wanted)
            tests[used++] = (struct CMUnitTest){
                .name = entries[i]->d_name, .test_func = the_case_gives_the_recorded_bytes, .initial_state = entries[i]->d_name};
    }
    failures = _cmocka_run_group_tests("cases", tests, (size_t)used, NULL, NULL);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return failures;
}
