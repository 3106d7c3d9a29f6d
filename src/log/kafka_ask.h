/*
 * log/kafka_ask.h: asks a broker, as any client would: what the console changes goes through the same code as what the tools
 * change. Without TLS. One connection per client, blocking; thread: one at a time.
 */
#ifndef LOG_KAFKA_ASK_H
#define LOG_KAFKA_ASK_H

#include "wire/kafka/api.h"

struct kafka_client;

/*
 * address    "127.0.0.1:9092", as broker_listener gives it; connected on first use
 * client_id  what the broker is told; borrowed
 */
struct kafka_client *kafka_client_create(const char *address, const char *client_id);
void kafka_client_interrupt(struct kafka_client *client); /* from now on every question fails; any thread */
void kafka_client_destroy(struct kafka_client *client); /* NULL is fine */

/*
 * One request and its answer. A connection that broke since the last request is opened again, once.
 * api       KAFKA_METADATA and so on
 * version   one that the broker has
 * request   the struct of the API's request
 * response  filled; strings and arrays live in the arena, which also keeps the bytes
 * Errors    UNAVAILABLE (no connection, no answer within 10 s), INVALID_REQUEST (the answer is broken)
 */
enum status kafka_ask(struct kafka_client *client, int16_t api, int16_t version, const void *request, void *response, struct arena *arena,
                      struct error *error);

#endif
