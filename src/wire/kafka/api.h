/* wire/kafka/api.h: the requests of the Kafka protocol: keys, versions, tables, and the headers before them. */
#ifndef WIRE_KAFKA_API_H
#define WIRE_KAFKA_API_H

#include "wire/kafka/codec.h"

struct kafka_api {
    int16_t key;
    const char *name;    /* "Metadata" */
    int16_t version_min; /* what the tables can read; what a broker advertises is its own choice */
    int16_t version_max;
    int16_t flexible_from; /* INT16_MAX: never */
    const struct wire_message *request;
    const struct wire_message *response;
};

const struct kafka_api *kafka_api_find(int16_t key);                 /* NULL when unknown */
const struct kafka_api *kafka_api_next(const struct kafka_api *api); /* by key; NULL begins and ends */

/* KAFKA_METADATA and so on. */
enum kafka_api_key {
#define API(name, key, base, title) KAFKA_##name = key,
#include "wire/kafka/apis.def"
#undef API
};

/* ---- Headers ---- */

struct kafka_request_header {
    int16_t api_key;
    int16_t api_version;
    int32_t correlation_id;
    struct slice client_id; /* borrowed; may be null */
};

/*
 * Splits a request (without its 4 bytes of size) into header and body. Key, version and correlation id are set whenever
 * they could be read, also with an error, for the log and for ApiVersions, which answers versions it does not know.
 * Errors  INVALID_REQUEST (cut short), UNSUPPORTED_VERSION (key or version that the tables do not have)
 */
enum status kafka_request_header_decode(struct slice frame, struct kafka_request_header *header, struct slice *body, struct error *error);
void kafka_request_header_encode(const struct kafka_request_header *header, struct buffer *out);

/* ApiVersions answers always with the oldest header (KIP-511). */
void kafka_response_header_encode(int16_t api_key, int16_t api_version, int32_t correlation_id, struct buffer *out);
enum status kafka_response_header_decode(int16_t api_key, int16_t api_version, struct slice frame, int32_t *correlation_id,
                                         struct slice *body, struct error *error);

#endif
