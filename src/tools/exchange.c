#include "tools/exchange.h"

#include "base/banned.h"

void exchange_init(struct exchange *exchange)
{
    *exchange = (struct exchange){.node_id = CLIENT_ANY};
    arena_init(&exchange->arena, 16384);
}

void exchange_finish(struct exchange *exchange, struct client *client)
{
    if (exchange->is_active && exchange->request.outcome == CLIENT_PENDING)
        client_forget(client, &exchange->request);
    exchange->is_active = false;
    arena_finish(&exchange->arena);
}

void *exchange_begin(struct exchange *exchange, int16_t api, size_t body_size, size_t response_size)
{
    void *body;

    arena_reset(&exchange->arena);
    body = arena_new(&exchange->arena, body_size);
    wire_init_defaults(kafka_api_find(api)->request, body);
    exchange->request = (struct client_request){
        .api = api, .body = body, .response = arena_new(&exchange->arena, response_size), .arena = &exchange->arena};
    return body;
}

void exchange_send(struct exchange *exchange, struct client *client, int32_t node_id)
{
    exchange->is_active = true;
    exchange->node_id = node_id;
    client_submit(client, node_id, &exchange->request);
}

bool exchange_is_done(const struct exchange *exchange)
{
    return exchange->is_active && exchange->request.outcome != CLIENT_PENDING;
}

void *exchange_take(struct exchange *exchange)
{
    exchange->is_active = false;
    return exchange->request.outcome == CLIENT_ANSWERED ? exchange->request.response : NULL;
}
