/* api_filters.c: saved filters of the message browser. */
#include "web/api.h"

#include "base/banned.h"
#include "log/keeper.h"

void api_filters(struct api_call *call)
{
    json_t *all = keeper_all(api_keeper(call->api), "filter:"), *items = json_array(), *one;
    const char *key;

    json_object_foreach(all, key, one) {
        json_t *item = json_copy(one);

        json_put(item, "id", json_string(key + strlen("filter:")));
        json_add(items, item);
    }
    json_decref(all);
    api_list(call, items, "name");
}

void api_filter_put(struct api_call *call)
{
    const char *topic = member_text(call->body, "topic"), *name = member_text(call->body, "name"), *filter = member_text(call->body, "filter");
    struct error error;

    if (topic == NULL || name == NULL || filter == NULL || strlen(filter) > 4096 || strlen(call->parts[0]) > 200) {
        api_error(call, 400, "BAD_FILTER", "The filter was not kept.", "It needs topic, name and filter.", NULL);
        return;
    }
    if (keeper_put(api_keeper(call->api), arena_format(call->arena, "filter:%s", call->parts[0]),
                   json_pack("{s:s, s:s, s:s}", "topic", topic, "name", name, "filter", filter), &error) != OK)
        api_failed(call, error.status, &error);
    else
        call->response->status = 204;
}

void api_filter_delete(struct api_call *call)
{
    struct error error;

    if (keeper_put(api_keeper(call->api), arena_format(call->arena, "filter:%s", call->parts[0]), NULL, &error) != OK)
        api_failed(call, error.status, &error);
    else
        call->response->status = 204;
}
