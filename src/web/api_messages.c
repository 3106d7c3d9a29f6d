/* api_messages.c: one message, whole or in pieces, and producing. Searching is search.c. */
#include "web/api.h"

#include "base/banned.h"
#include "base/text.h"
#include "os/clock.h"
#include "web/message.h"
#include "web/produce.h"
#include "log/scan.h"
#include "web/schema_book.h"
#include "web/words.h"
#include "wire/kafka/messages_produce.h"
#include "wire/kafka/partitioner.h"

enum { PRODUCE_VERSION = 9 };

#define PIECE_MAX 65536
#define CHARACTER_BYTES_MAX 4
#define PRODUCE_MAX 1000 /* messages at once */
#define PRODUCE_TIMEOUT_MS 10000
#define BATCH_MAX ((size_t)8 << 20)

/* ---- One message ---- */

struct looked_up {
    struct scan *scan;
    struct record record;
    struct record_batch batch;
    int32_t partition;
};

/* False with the answer given; the scan has to be destroyed in any case. */
static bool look_up(struct api_call *call, struct looked_up *found)
{
    int64_t partition, offset;
    struct topic *topic = api_topic_find(call, call->parts[0]);
    struct error error;
    int32_t count;

    if (topic == NULL)
        return false;
    count = topic_partition_count(topic);
    topic_release(topic);
    if (!text_parse_int64(slice_from_string(call->parts[1]), &partition) || !text_parse_int64(slice_from_string(call->parts[2]), &offset)) {
        api_error(call, 400, "BAD_PLACE", "Partition and offset have to be numbers.", NULL, NULL);
        return false;
    }
    if (partition < 0 || partition >= count) {
        api_error(call, 404, "UNKNOWN_PARTITION", arena_format(call->arena, "Topic %s has no partition %lld.", call->parts[0], (long long)partition), NULL, NULL);
        return false;
    }
    found->partition = (int32_t)partition;
    found->scan = scan_create(api_settings_of(call->api)->log);
    scan_seek(found->scan, call->parts[0], found->partition, offset, offset == INT64_MAX ? offset : offset + 1);
    if (offset >= 0 && scan_next(found->scan, &found->record, &found->batch, &error) == SCAN_RECORD) {
        if (message_topic_has_secrets(api_settings_of(call->api)->values, call->parts[0]))
            found->record.value = message_without_secrets(found->record.value, call->arena);
        return true;
    }
    api_error(call, 404, "NO_SUCH_MESSAGE", arena_format(call->arena, "There is no message at offset %lld.", (long long)offset), "Retention or compaction removed it, or it was not written yet.",
              "Choose another offset.");
    return false;
}

/* key, value or header:N; false when there is none. */
static bool part_of(const struct record *record, const char *part, struct slice *bytes)
{
    struct record copy = *record;
    struct record_header header;
    int64_t number, at = 0;

    if (strcmp(part, "key") == 0)
        *bytes = record->key;
    else if (strcmp(part, "value") == 0)
        *bytes = record->value;
    else if (strncmp(part, "header:", 7) == 0 && text_parse_int64(slice_from_string(part + 7), &number)) {
        while (record_next_header(&copy, &header)) {
            if (at++ == number) {
                *bytes = header.value;
                return true;
            }
        }
        return false;
    } else {
        return false;
    }
    return true;
}

/* Would the text show a masked column? */
static bool is_hidden(struct api_call *call, const struct record *record, const char *part)
{
    const char *mask = api_settings_of(call->api)->mask;
    struct change_decoder *decoder;
    struct change change;
    bool is_change, hidden;

    if (mask == NULL || *mask == '\0' || strncmp(part, "header:", 7) == 0)
        return false;
    decoder = change_decoder_create();
    is_change = !slice_is_null(record->value) && change_decode(decoder, record->value, call->arena, &change, NULL) == OK;
    hidden = strcmp(part, "key") == 0 ? message_hides_key(mask, is_change ? &change : NULL, record->key) : message_hides_value(mask, is_change ? &change : NULL, record->value);
    change_decoder_destroy(decoder);
    return hidden;
}

static void piece_answer(struct api_call *call, const struct record *record, const char *part)
{
    static const char *const download[] = {"Content-Disposition", "attachment", NULL};
    bool downloads = api_query(call, "download") != NULL, is_text;
    size_t from = (size_t)api_query_number(call, "from", 0, 0, INT64_MAX), most = (size_t)api_query_number(call, "bytes", PIECE_MAX, 1, PIECE_MAX);
    struct slice bytes;

    if (!part_of(record, part, &bytes)) {
        api_error(call, 400, "BAD_PART", "There is no such part.", NULL, "Ask for part=key, value or header:N.");
        return;
    }
    if (is_hidden(call, record, part)) {
        api_error(call, 403, "MASKED", "Raw text is not shown.", "Columns are hidden by console.mask, and the text would show them.", "Look at the row.");
        return;
    }
    is_text = !downloads && text_is_utf8(bytes);
    if (!slice_is_null(bytes) && (!downloads || api_query(call, "bytes") != NULL)) {
        bytes = slice_from(bytes, from);
        bytes = is_text && most >= CHARACTER_BYTES_MAX ? message_cut(bytes, most) : slice_of(bytes.data, bytes.size > most ? most : bytes.size);
    }
    call->response->status = 200;
    call->response->content_type = downloads ? "application/octet-stream" : "text/plain; charset=utf-8";
    call->response->headers = downloads ? download : NULL;
    buffer_append_slice(&call->response->body, bytes);
}

static json_t *whole_make(struct api_call *call, const struct looked_up *found)
{
    struct change_decoder *decoder = change_decoder_create();
    struct message_shape shape = message_alone;
    struct change change;
    bool is_change = !slice_is_null(found->record.value) && found->record.value.size > 0 && found->record.value.data[0] == '{' &&
                     change_decode(decoder, found->record.value, call->arena, &change, NULL) == OK;
    json_t *message;

    shape.mask = api_settings_of(call->api)->mask;
    shape.schemas = api_schemas(call->api);
    message = message_make(call->parts[0], found->partition, &found->record, &found->batch, is_change ? &change : NULL, &shape, call->arena);
    change_decoder_destroy(decoder);
    return message;
}

void api_message(struct api_call *call)
{
    struct looked_up found = {0};
    const char *part = api_query(call, "part");

    if (look_up(call, &found)) {
        if (part != NULL)
            piece_answer(call, &found.record, part);
        else
            api_json(call, 200, whole_make(call, &found));
    }
    scan_destroy(found.scan);
}

/* ---- The schema: as capture kept it or, of topics that somebody else writes, by the newest message ---- */

static json_t *schema_of(struct api_call *call, const json_t *message)
{
    const json_t *row = json_object_get(message, "row"), *column;
    json_t *columns = json_array();
    size_t index;

    (void)call;
    json_array_foreach(json_object_get(row, "columns"), index, column)
        json_add(columns, json_pack("{s:O, s:O, s:O, s:n}", "name", json_object_get(column, "name"), "type", json_object_get(column, "type"), "key", json_object_get(column, "key"), "change"));
    return json_pack("{s:i, s:O, s:O, s:n, s:o}", "version", 1, "from_lsn", json_object_get(row, "lsn"), "at_ms", json_object_get(message, "at_ms"), "replica_identity", "columns", columns);
}

void api_topic_schema(struct api_call *call)
{
    struct topic *topic = api_topic_find(call, call->parts[0]);
    json_t *versions, *newest = NULL;

    if (topic == NULL)
        return;
    versions = schema_book_versions(api_schemas(call->api), call->parts[0]);
    if (versions != NULL) {
        topic_release(topic);
        api_json(call, 200, json_pack("{s:o}", "versions", versions));
        return;
    }
    versions = json_array();
    for (int32_t i = 0; i < topic_partition_count(topic); i++) {
        const struct partition *partition = topic_partition(topic, i);
        struct looked_up found = {.partition = i, .scan = scan_create(api_settings_of(call->api)->log)};
        int64_t end = partition_end(partition), from = end - 20 < partition_start(partition) ? partition_start(partition) : end - 20;
        struct error error;

        scan_seek(found.scan, call->parts[0], i, from, end);
        while (scan_next(found.scan, &found.record, &found.batch, &error) == SCAN_RECORD) {
            json_t *message = whole_make(call, &found);

            if (json_is_object(json_object_get(message, "row")) &&
                (newest == NULL || member_integer(message, "at_ms", 0) >= member_integer(newest, "at_ms", 0))) {
                json_decref(newest);
                newest = json_incref(message);
            }
            json_decref(message);
        }
        scan_destroy(found.scan);
    }
    topic_release(topic);
    if (newest != NULL)
        json_add(versions, schema_of(call, newest));
    json_decref(newest);
    api_json(call, 200, json_pack("{s:o}", "versions", versions));
}

/* ---- Producing ---- */

static struct slice text_of(struct api_call *call, const char *name)
{
    const json_t *value = json_object_get(call->body, name);

    return json_is_string(value) ? slice_of(json_string_value(value), json_string_length(value)) : slice_null();
}

static size_t headers_of(struct api_call *call, struct record_header **headers)
{
    const json_t *list = json_object_get(call->body, "headers"), *one;
    size_t index, count = 0;

    *headers = arena_new_array(call->arena, json_array_size(list) + 1, sizeof(**headers));
    json_array_foreach(list, index, one) {
        const json_t *value = json_object_get(one, "value");

        if (member_text(one, "name") != NULL)
            (*headers)[count++] = (struct record_header){slice_from_string(member_text(one, "name")),
                                                         json_is_string(value) ? slice_of(json_string_value(value), json_string_length(value)) : slice_null()};
    }
    return count;
}

/* Fills the batch; false with the answer given. */
static bool batch_fill(struct api_call *call, struct record_builder *builder, int64_t count)
{
    struct record_header *headers;
    size_t header_count = headers_of(call, &headers);
    int64_t now_ms = clock_now_ms();

    for (int64_t i = 0; i < count; i++) {
        if (!record_builder_append(builder, now_ms, text_of(call, "key"), text_of(call, "value"), headers, header_count)) {
            api_error(call, 413, "TOO_LARGE", "The messages were not written.", "Together they are larger than 8 MiB.", "Write fewer, or smaller ones.");
            return false;
        }
    }
    return true;
}

bool produce(struct api_call *call, const char *topic_name_text, int32_t index, struct slice batch, int64_t *offset)
{
    struct kafka_produce_request_partition partition = {.index = index, .records = batch};
    struct kafka_produce_request_topic topic = {.name = slice_from_string(topic_name_text), .partition_data = {&partition, 1}};
    struct kafka_produce_request request = {.acks = -1, .timeout_ms = PRODUCE_TIMEOUT_MS, .topic_data = {&topic, 1}};
    struct kafka_produce_response response;
    const struct kafka_produce_response_partition *answer;

    if (!api_ask(call, KAFKA_PRODUCE, PRODUCE_VERSION, &request, &response))
        return false;
    answer = response.responses.count == 1 && response.responses.items[0].partition_responses.count == 1 ? response.responses.items[0].partition_responses.items : NULL;
    if (answer != NULL && answer->error_code == 0) {
        *offset = answer->base_offset;
        return true;
    }
    api_kafka_failed(call, answer == NULL ? -1 : answer->error_code, answer == NULL ? slice_null() : answer->error_message, "The message was not written.");
    return false;
}

void api_message_produce(struct api_call *call)
{
    const char *name = call->parts[0];
    int64_t count = member_integer(call->body, "count", 1), wanted = member_integer(call->body, "partition", -1), offset;
    struct record_batch_spec plain = record_batch_spec_plain();
    struct record_builder builder;
    struct topic *known = api_topic_find(call, name);
    int32_t partition;

    if (known == NULL)
        return;
    if (count < 1 || count > PRODUCE_MAX || wanted >= topic_partition_count(known)) {
        api_error(call, 400, "BAD_NUMBER", "Nothing was written.", count < 1 || count > PRODUCE_MAX ? "count is 1 to 1000." : "There is no such partition.", NULL);
        topic_release(known);
        return;
    }
    partition = wanted >= 0                            ? (int32_t)wanted
                : slice_is_null(text_of(call, "key")) ? (int32_t)(clock_monotonic_ns() % topic_partition_count(known))
                                                       : kafka_partition_for_key(text_of(call, "key"), topic_partition_count(known));
    topic_release(known);
    record_builder_init(&builder, BATCH_MAX);
    if (batch_fill(call, &builder, count) && produce(call, name, partition, record_builder_seal(&builder, &plain, NULL), &offset)) {
        api_changed(call, "info", name, arena_format(call->arena, "Topic %s: %s written.", name, words_were(call->arena, count, "message")));
        api_json(call, 200, json_pack("{s:i, s:I}", "partition", (int)partition, "offset", (json_int_t)offset));
    }
    record_builder_finish(&builder);
}
