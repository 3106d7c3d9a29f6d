/* api_list.c: lists as the API answers them: filtered, sorted, cut to a page, named by their content. */
#include "web/api.h"

#include "base/banned.h"

#define LIST_LIMIT_MAX 500

static bool contains(const char *text, const char *part)
{
    return text != NULL && strcasestr(text, part) != NULL;
}

struct sorted {
    json_t *item;
    const char *member;
    size_t place;
};

static int compare_values(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        double x = json_number_value(a), y = json_number_value(b);
        return x < y ? -1 : x > y;
    }
    if (json_is_string(a) && json_is_string(b))
        return strcmp(json_string_value(a), json_string_value(b));
    return (json_is_null(a) || a == NULL) - (json_is_null(b) || b == NULL);
}

static int compare_items(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    int order = compare_values(json_object_get(x->item, x->member), json_object_get(y->item, y->member));

    return order != 0 ? order : x->place < y->place ? -1 : 1;
}

static json_t *sorted_copy(struct api_call *call, json_t *items, const char *member, bool descending)
{
    size_t count = json_array_size(items);
    struct sorted *order = arena_new_array(call->arena, count, sizeof(*order));
    json_t *result = json_array();

    for (size_t i = 0; i < count; i++)
        order[i] = (struct sorted){json_array_get(items, i), member, descending ? count - i : i};
    qsort(order, count, sizeof(*order), compare_items);
    for (size_t i = 0; i < count; i++)
        (void)json_array_append(result, order[descending ? count - 1 - i : i].item);
    json_decref(items);
    return result;
}

/* Names the answer by its content; the same one again is 304 without a body. */
static void etag_put(struct api_call *call)
{
    struct buffer *body = &call->response->body;
    const char *asked = http_header(call->request, "If-None-Match");
    const char **headers = arena_new_array(call->arena, 3, sizeof(*headers));
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

    for (size_t i = 0; i < body->size; i++)
        hash = (hash ^ body->data[i]) * 1099511628211ULL;
    headers[0] = "ETag";
    headers[1] = arena_format(call->arena, "\"%016llx\"", (unsigned long long)hash);
    call->response->headers = headers;
    if (asked == NULL || strcmp(asked, headers[1]) != 0)
        return;
    buffer_reset(body);
    call->response->status = 304;
    call->response->content_type = NULL;
}

/* Those whose name has q in it. Takes the reference, gives a new one. */
static json_t *filtered(json_t *items, const char *name_member, const char *q)
{
    json_t *kept = json_array(), *item;
    size_t index;

    json_array_foreach(items, index, item) {
        if (contains(json_string_value(json_object_get(item, name_member)), q))
            (void)json_array_append(kept, item);
    }
    json_decref(items);
    return kept;
}

struct api_page api_page_read(struct api_call *call)
{
    return (struct api_page){.q = api_query(call, "q"), .sort = api_query(call, "sort"), .descending = api_query(call, "dir") != NULL && strcmp(api_query(call, "dir"), "desc") == 0,
                             .offset = (size_t)api_query_number(call, "offset", 0, 0, INT32_MAX), .limit = (size_t)api_query_number(call, "limit", LIST_LIMIT_MAX, 1, LIST_LIMIT_MAX)};
}

void api_page_give(struct api_call *call, size_t total, json_t *items)
{
    api_json(call, 200, json_pack("{s:I, s:o}", "total", (json_int_t)total, "items", items));
    etag_put(call);
}

void api_list(struct api_call *call, json_t *items, const char *name_member)
{
    struct api_page page = api_page_read(call);
    json_t *shown = json_array();
    size_t total;

    if (page.q != NULL && *page.q != '\0')
        items = filtered(items, name_member, page.q);
    if (page.sort != NULL)
        items = sorted_copy(call, items, page.sort, page.descending);
    total = json_array_size(items);
    for (size_t i = page.offset; i < total && i - page.offset < page.limit; i++)
        (void)json_array_append(shown, json_array_get(items, i));
    json_decref(items);
    api_page_give(call, total, shown);
}
