#include "base/regexes.h"

#include "base/banned.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define REGEXES_BYTES_MAX (1024 * 1024)
#define MATCH_STEPS_MAX 1000000 /* an expression that backtracks longer does not match */

struct regexes {
    pcre2_code **items;
    size_t count;
    pcre2_match_context *limits;
};

static struct regexes *list_new(void)
{
    struct regexes *list = memory_new(sizeof(*list));

    list->limits = pcre2_match_context_create(NULL);
    if (list->limits == NULL)
        memory_exhausted(0);
    pcre2_set_match_limit(list->limits, MATCH_STEPS_MAX);
    return list;
}

static enum status list_add(struct regexes *list, struct slice expression, enum regexes_case letters, struct error *error)
{
    uint32_t options = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | (letters == REGEXES_IGNORE_CASE ? PCRE2_CASELESS : 0);
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *item = pcre2_compile(expression.data, expression.size, options, &code, &at, NULL);

    if (item == NULL) {
        PCRE2_UCHAR why[160];

        (void)pcre2_get_error_message(code, why, sizeof(why));
        return error_set(error, ERROR_BAD_INPUT, "regular expression '%.*s': %s near index %zu", (int)expression.size, (const char *)expression.data,
                         (const char *)why, (size_t)at);
    }
    list->items = memory_resize(list->items, (list->count + 1) * sizeof(pcre2_code *));
    list->items[list->count++] = item;
    return OK;
}

enum status regexes_create_one(struct slice expression, enum regexes_case letters, struct regexes **created, struct error *error)
{
    struct regexes *list = list_new();
    enum status status = list_add(list, expression, letters, error);

    if (status == OK)
        *created = list;
    else
        regexes_destroy(list);
    return status;
}

/* Cuts the next item off the front, with "\," turned into ","; false when nothing is left. */
static bool next_item(struct slice *rest, struct buffer *item)
{
    size_t at = 0;

    if (rest->size == 0)
        return false;
    buffer_reset(item);
    while (at < rest->size && rest->data[at] != ',') {
        if (rest->data[at] == '\\' && at + 1 < rest->size && rest->data[at + 1] == ',')
            at++;
        buffer_append_u8(item, rest->data[at++]);
    }
    *rest = slice_from(*rest, at + 1);
    return true;
}

enum status regexes_create(const char *text, enum regexes_case letters, struct regexes **created, struct error *error)
{
    struct regexes *list = list_new();
    struct slice rest = slice_from_string(text == NULL ? "" : text);
    struct buffer item;
    enum status status = OK;

    buffer_init(&item, REGEXES_BYTES_MAX);
    while (status == OK && next_item(&rest, &item)) {
        struct slice expression = text_trim(buffer_slice(&item));

        if (item.failed)
            status = error_set(error, ERROR_BAD_INPUT, "a list of regular expressions is longer than %d bytes", REGEXES_BYTES_MAX);
        else if (expression.size > 0)
            status = list_add(list, expression, letters, error);
    }
    buffer_finish(&item);
    if (status == OK)
        *created = list;
    else
        regexes_destroy(list);
    return status;
}

void regexes_destroy(struct regexes *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < list->count; i++)
        pcre2_code_free(list->items[i]);
    pcre2_match_context_free(list->limits);
    memory_free(list->items);
    memory_free(list);
}

size_t regexes_count(const struct regexes *list)
{
    return list == NULL ? 0 : list->count;
}

bool regexes_match_at(const struct regexes *list, size_t at, struct slice text)
{
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    int result;

    if (match == NULL)
        memory_exhausted(0);
    result = pcre2_match(list->items[at], text.data == NULL ? (PCRE2_SPTR) "" : text.data, text.size, 0, 0, match, list->limits);
    pcre2_match_data_free(match);
    return result >= 0;
}

int regexes_find(const struct regexes *list, struct slice text)
{
    for (size_t i = 0; i < regexes_count(list); i++) {
        if (regexes_match_at(list, i, text))
            return (int)i;
    }
    return -1;
}
