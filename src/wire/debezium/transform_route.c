#include "wire/debezium/transform.h"

#include "base/banned.h"
#include "base/memory.h"
#include "wire/debezium/name.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* ---- Replacing with a regular expression ---- */

struct replacer {
    pcre2_code *code, *whole; /* `whole` has to match everything */
    char *replacement;
};

static enum status compile(const char *regex, uint32_t options, pcre2_code **code, struct error *error)
{
    int number = 0;
    PCRE2_SIZE at = 0;
    PCRE2_UCHAR why[160];

    *code = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, PCRE2_UTF | options, &number, &at, NULL);
    if (*code != NULL)
        return OK;
    (void)pcre2_get_error_message(number, why, sizeof(why));
    return error_set(error, ERROR_BAD_INPUT, "regular expression '%s': %s near index %zu", regex, (const char *)why, (size_t)at);
}

enum status replacer_create(const char *regex, const char *replacement, struct replacer **created, struct error *error)
{
    struct replacer *replacer = memory_new(sizeof(*replacer));
    enum status status = compile(regex, 0, &replacer->code, error);

    if (status == OK)
        status = compile(regex, PCRE2_ANCHORED | PCRE2_ENDANCHORED, &replacer->whole, error);
    if (status == OK) {
        replacer->replacement = memory_copy_string(replacement);
        *created = replacer;
    } else {
        replacer_destroy(replacer);
    }
    return status;
}

void replacer_destroy(struct replacer *replacer)
{
    if (replacer == NULL)
        return;
    pcre2_code_free(replacer->code);
    pcre2_code_free(replacer->whole);
    memory_free(replacer->replacement);
    memory_free(replacer);
}

static void append_group(struct buffer *out, const char *text, const PCRE2_SIZE *places, uint32_t group)
{
    if (places[2 * group] != PCRE2_UNSET)
        buffer_append(out, text + places[2 * group], places[2 * group + 1] - places[2 * group]);
}

/* $1: as many digits as still name a group. ${name}. Gives what is left behind it. */
static const char *append_reference(const struct replacer *replacer, struct buffer *out, const char *at, const char *text,
                                    const PCRE2_SIZE *places, uint32_t groups)
{
    uint32_t group = 0;

    if (*at == '{') {
        const char *close = strchr(at, '}');
        char name[64];
        int number;

        if (close == NULL || (size_t)(close - at) > sizeof(name))
            return at;
        memcpy(name, at + 1, (size_t)(close - at - 1));
        name[close - at - 1] = 0;
        number = pcre2_substring_number_from_name(replacer->code, (PCRE2_SPTR)name);
        if (number > 0 && (uint32_t)number < groups)
            append_group(out, text, places, (uint32_t)number);
        return close + 1;
    }
    if (*at < '0' || *at > '9')
        return at;
    group = (uint32_t)(*at++ - '0');
    while (*at >= '0' && *at <= '9' && group * 10 + (uint32_t)(*at - '0') < groups)
        group = group * 10 + (uint32_t)(*at++ - '0');
    if (group < groups)
        append_group(out, text, places, group);
    return at;
}

static void append_replacement(const struct replacer *replacer, struct buffer *out, const char *text, const PCRE2_SIZE *places,
                               uint32_t groups)
{
    const char *at = replacer->replacement;

    while (*at != 0) {
        if (*at == '\\' && at[1] != 0) {
            buffer_append_u8(out, (uint8_t)at[1]);
            at += 2;
        } else if (*at == '$') {
            at = append_reference(replacer, out, at + 1, text, places, groups);
        } else {
            buffer_append_u8(out, (uint8_t)*at++);
        }
    }
}

const char *replacer_apply(const struct replacer *replacer, struct arena *arena, const char *text)
{
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(replacer->code, NULL);
    const char *result = NULL;
    struct buffer out;

    if (match == NULL)
        memory_exhausted(0);
    buffer_init(&out, 1 << 20);
    if (pcre2_match(replacer->whole, (PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, 0, match, NULL) > 0 &&
        pcre2_match(replacer->code, (PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, 0, match, NULL) > 0) {
        const PCRE2_SIZE *places = pcre2_get_ovector_pointer(match);

        buffer_append(&out, text, places[0]);
        append_replacement(replacer, &out, text, places, pcre2_get_ovector_count(match));
        buffer_append_string(&out, text + places[1]);
        result = out.size == 0 ? "" : arena_copy_string(arena, buffer_slice(&out));
    }
    buffer_finish(&out);
    pcre2_match_data_free(match);
    return result;
}

/* ---- org.apache.kafka.connect.transforms.RegexRouter ---- */

static enum status router_create(struct transform *self, struct error *error)
{
    const char *regex = transform_option(self, "regex"), *replacement = transform_option(self, "replacement");
    struct replacer *replacer = NULL;
    enum status status;

    if (regex == NULL || replacement == NULL)
        return transform_option_missing(regex == NULL ? "regex" : "replacement", error);
    status = replacer_create(regex, replacement, &replacer, error);
    self->state = replacer;
    return status;
}

static enum status router_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    const char *topic = replacer_apply(self->state, run->arena, record->topic);

    (void)error;
    if (topic != NULL)
        record->topic = topic;
    return OK;
}

static void router_destroy(struct transform *self)
{
    replacer_destroy(self->state);
}

const struct transform_class transform_regex_router = {"org.apache.kafka.connect.transforms.RegexRouter", false, router_create,
                                                       router_apply, router_destroy};

/* ---- io.debezium.transforms.ByLogicalTableRouter ---- */

struct logical_table {
    struct replacer *topic, *key; /* key: key.field.regex, may be NULL */
    bool enforce_uniqueness;
    const char *key_field;
    enum name_adjustment names;
    const struct connect_schema *string;
};

static void logical_destroy(struct transform *self)
{
    struct logical_table *state = self->state;

    replacer_destroy(state->topic);
    replacer_destroy(state->key);
}

static enum status logical_create(struct transform *self, struct error *error)
{
    struct logical_table *state = arena_new(self->arena, sizeof(*state));
    const char *regex = transform_option(self, "topic.regex"), *replacement = transform_option(self, "topic.replacement");
    const char *key_regex = transform_option_or(self, "key.field.regex", ""),
               *key_replacement = transform_option(self, "key.field.replacement");
    const char *names = transform_option_or(self, "schema.name.adjustment.mode", "none");
    enum status status;

    self->state = state;
    if (regex == NULL || replacement == NULL)
        return transform_option_missing(regex == NULL ? "topic.regex" : "topic.replacement", error);
    if (*key_regex != 0 && key_replacement == NULL)
        return error_set(error, ERROR_BAD_INPUT, "key.field.replacement must be non-empty if key.field.regex is set.");
    state->enforce_uniqueness = transform_option_bool(self, "key.enforce.uniqueness", true);
    state->key_field = transform_option_or(self, "key.field.name", "__dbz__physicalTableIdentifier");
    state->names = strcasecmp(names, "avro") == 0 ? NAME_AVRO : strcasecmp(names, "avro_unicode") == 0 ? NAME_AVRO_UNICODE : NAME_NONE;
    state->string = schema_create(self->arena, CONNECT_STRING);
    status = replacer_create(regex, replacement, &state->topic, error);
    if (status == OK && *key_regex != 0)
        status = replacer_create(key_regex, key_replacement, &state->key, error);
    return status;
}

/* The same schema under another name, in the chain's arena. */
static struct connect_schema *renamed(struct transform *self, const struct connect_schema *schema, const char *topic, const char *ending)
{
    const struct logical_table *state = self->state;
    struct connect_schema *copy = schema_clone(self->arena, schema);

    copy->name = name_adjust_schema(self->arena, state->names, arena_format(self->arena, "%s.%s", topic, ending));
    return copy;
}

static enum status route_key(struct transform *self, struct transform_run *run, struct connect_record *record, const char *topic,
                             struct error *error)
{
    const struct logical_table *state = self->state;
    const struct connect_schema *schema = transform_known_schema(self, record->key.schema);
    struct connect_value *fields;
    const char *table = record->topic, *replaced;
    size_t count;
    enum status status = value_open(run, self, &record->key, error);

    if (status != OK)
        return status;
    if (schema == NULL) {
        struct connect_schema *made = renamed(self, record->key.schema, topic, "Key");

        if (state->enforce_uniqueness)
            schema_add_field(self->arena, made, state->key_field, state->string);
        transform_remember_schema(self, record->key.schema, made);
        schema = made;
    }
    count = record->key.schema->field_count;
    fields = arena_new_array(run->arena, count + 2, sizeof(*fields));
    memcpy(fields, record->key.fields, count * sizeof(*fields));
    if (state->enforce_uniqueness) {
        replaced = state->key == NULL ? NULL : replacer_apply(state->key, run->arena, table);
        fields[count] = value_string(run, state->string, slice_from_string(replaced != NULL ? replaced : table));
    }
    record->key.schema = schema;
    record->key.fields = fields;
    return OK;
}

/* The envelope and both rows in it get the names of the new topic; the values stay. */
static void route_envelope(struct transform *self, struct connect_record *record, const char *topic)
{
    const struct connect_schema *schema = transform_known_schema(self, record->value.schema);

    if (schema == NULL) {
        struct connect_schema *made = renamed(self, record->value.schema, topic, "Envelope");
        const struct connect_field *before = schema_field(made, "before");
        const struct connect_schema *row = before == NULL ? NULL : renamed(self, before->schema, topic, "Value");

        for (size_t i = 0; i < made->field_count && row != NULL; i++) {
            if (strcmp(made->fields[i].name, "before") == 0 || strcmp(made->fields[i].name, "after") == 0)
                made->fields[i].schema = row;
        }
        transform_remember_schema(self, record->value.schema, made);
        schema = made;
    }
    record->value.schema = schema;
    if (record->value.fields != NULL) {
        for (size_t i = 0; i < schema->field_count; i++)
            record->value.fields[i].schema = schema->fields[i].schema;
    }
}

static enum status logical_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    const struct logical_table *state = self->state;
    const char *topic = replacer_apply(state->topic, run->arena, record->topic);
    enum status status = OK;

    if (topic == NULL || *topic == 0)
        return OK;
    if (!record->key.is_null)
        status = route_key(self, run, record, topic, error);
    if (status == OK && !record->value.is_null && schema_is_envelope(record->value.schema))
        route_envelope(self, record, topic);
    record->topic = topic;
    return status;
}

const struct transform_class transform_logical_table_router = {"io.debezium.transforms.ByLogicalTableRouter", false, logical_create,
                                                               logical_apply, logical_destroy};
