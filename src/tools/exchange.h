/* tools/exchange.h: one request and its answer, with the memory of both; for clients that go on with other things meanwhile. */
#ifndef TOOLS_EXCHANGE_H
#define TOOLS_EXCHANGE_H

#include "tools/client.h"

struct exchange {
    struct client_request request;
    struct arena arena; /* body and response; emptied by exchange_begin */
    bool is_active;     /* asked, and the answer not yet taken */
    int32_t node_id;    /* that was asked */
};

void exchange_init(struct exchange *exchange);
void exchange_finish(struct exchange *exchange, struct client *client); /* takes the request back when it is under way */

/*
 * Begins a request: gives a body with the protocol's defaults, to be filled and then sent by exchange_send.
 * The table knows the sizes of neither struct, so they are told.
 */
void *exchange_begin(struct exchange *exchange, int16_t api, size_t body_size, size_t response_size);

#define EXCHANGE_BEGIN(exchange, api, name) exchange_begin(exchange, api, sizeof(struct name##_request), sizeof(struct name##_response))

void exchange_send(struct exchange *exchange, struct client *client, int32_t node_id);

/* Is there an outcome to be taken? */
bool exchange_is_done(const struct exchange *exchange);

/* Takes the outcome: the response, or NULL when it was lost or the broker does not know the request. Valid until the next begin. */
void *exchange_take(struct exchange *exchange);

#endif
