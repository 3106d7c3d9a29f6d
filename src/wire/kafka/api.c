#include "wire/kafka/api.h"

#include "wire/kafka/codec_internal.h"

#include "base/banned.h"

/* ---- APIs ---- */

#define API(name, key, base, title) extern const struct wire_message base##_request_message, base##_response_message;
#include "wire/kafka/apis.def"
#undef API

#define KEY_MAX 92

static struct kafka_api apis[KEY_MAX + 1];

static void __attribute__((constructor)) apis_init(void)
{
    static const struct {
        int16_t key;
        const char *name;
        const struct wire_message *request;
        const struct wire_message *response;
    } rows[] = {
#define API(name, key, base, title) {key, #title, &base##_request_message, &base##_response_message},
#include "wire/kafka/apis.def"
#undef API
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        apis[rows[i].key] = (struct kafka_api){
            rows[i].key,     rows[i].name,    rows[i].request->first, rows[i].request->last, rows[i].request->flexible_from,
            rows[i].request, rows[i].response};
}

const struct kafka_api *kafka_api_find(int16_t key)
{
    return key >= 0 && key <= KEY_MAX && apis[key].request != NULL ? &apis[key] : NULL;
}

const struct kafka_api *kafka_api_next(const struct kafka_api *api)
{
    for (int key = api == NULL ? 0 : api->key + 1; key <= KEY_MAX; key++) {
        if (apis[key].request != NULL)
            return &apis[key];
    }
    return NULL;
}

/* ---- Headers ---- */

static void tags_skip(struct reader *in)
{
    uint32_t count = read_varuint32(in);

    for (uint32_t i = 0; i < count && !in->failed; i++) {
        (void)read_varuint32(in);
        (void)read_bytes(in, read_varuint32(in));
    }
}

enum status kafka_request_header_decode(struct slice frame, struct kafka_request_header *header, struct slice *body, struct error *error)
{
    struct reader in = reader_of(frame);
    const struct kafka_api *api;
    int16_t length;

    *header = (struct kafka_request_header){.api_key = (int16_t)read_u16(&in)};
    header->api_version = (int16_t)read_u16(&in);
    header->correlation_id = (int32_t)read_u32(&in);
    if (in.failed)
        return error_set(error, ERROR_INVALID_REQUEST, "decode request header: %zu bytes are too few", frame.size);
    api = kafka_api_find(header->api_key);
    if (api == NULL)
        return error_set(error, ERROR_UNSUPPORTED_VERSION, "decode request header: api key %d is unknown", header->api_key);

    length = (int16_t)read_u16(&in); /* of the client id, classic also in flexible versions */
    if (length >= 0)
        header->client_id = read_bytes(&in, (size_t)length);
    if (header->api_version >= api->flexible_from)
        tags_skip(&in);
    if (in.failed || length < -1) {
        header->client_id = slice_null();
        return error_set(error, ERROR_INVALID_REQUEST, "decode request header of %s version %d: cut short or a wrong length", api->name,
                         header->api_version);
    }
    *body = slice_of(in.at, reader_left(&in));
    if (header->api_version < api->version_min || header->api_version > api->version_max)
        return error_set(error, ERROR_UNSUPPORTED_VERSION, "decode request header: %s version %d is not one of %d to %d", api->name,
                         header->api_version, api->version_min, api->version_max);
    return OK;
}

void kafka_request_header_encode(const struct kafka_request_header *header, struct buffer *out)
{
    const struct kafka_api *api = kafka_api_find(header->api_key);

    buffer_append_u16(out, (uint16_t)header->api_key);
    buffer_append_u16(out, (uint16_t)header->api_version);
    buffer_append_u32(out, (uint32_t)header->correlation_id);
    if (header->client_id.size > INT16_MAX) {
        out->failed = true;
        return;
    }
    buffer_append_u16(out, slice_is_null(header->client_id) ? UINT16_MAX : (uint16_t)header->client_id.size);
    buffer_append_slice(out, header->client_id);
    if (api != NULL && header->api_version >= api->flexible_from)
        buffer_append_u8(out, 0); /* no tags */
}

static bool response_header_has_tags(int16_t api_key, int16_t api_version)
{
    const struct kafka_api *api = kafka_api_find(api_key);
    return api != NULL && api_key != KAFKA_API_VERSIONS && api_version >= api->flexible_from;
}

void kafka_response_header_encode(int16_t api_key, int16_t api_version, int32_t correlation_id, struct buffer *out)
{
    buffer_append_u32(out, (uint32_t)correlation_id);
    if (response_header_has_tags(api_key, api_version))
        buffer_append_u8(out, 0);
}

enum status kafka_response_header_decode(int16_t api_key, int16_t api_version, struct slice frame, int32_t *correlation_id,
                                         struct slice *body, struct error *error)
{
    struct reader in = reader_of(frame);

    *correlation_id = (int32_t)read_u32(&in);
    if (response_header_has_tags(api_key, api_version))
        tags_skip(&in);
    if (in.failed)
        return error_set(error, ERROR_INVALID_REQUEST, "decode response header: cut short");
    *body = slice_of(in.at, reader_left(&in));
    return OK;
}
