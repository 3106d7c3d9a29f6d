#include "tools/topic_filter.h"

#include "base/banned.h"

/* In the form of Java: what, the expression, and a mark below the place. */
static const struct failure *syntax_failure(struct arena *arena, const char *expression, const char *why)
{
    size_t length = strlen(expression);
    size_t bracket = strcspn(expression, "[");

    /* The commonest mistake gets Java's own words. */
    if (bracket < length && strchr(expression + bracket, ']') == NULL)
        return failure_of(arena, "java.util.regex.PatternSyntaxException", "Unclosed character class near index %zu\n%s\n%*s", length - 1,
                          expression, (int)length, "^");
    return failure_of(arena, "java.util.regex.PatternSyntaxException", "%s", why);
}

const struct failure *topic_filter_create_exact(struct arena *arena, const char *expression, struct regexes **filter)
{
    struct error error;

    if (regexes_create_one(slice_from_string(expression), REGEXES_EXACT_CASE, filter, &error) == OK)
        return NULL;
    return syntax_failure(arena, expression, error.message);
}

const struct failure *topic_filter_create(struct arena *arena, const char *list, struct regexes **filter)
{
    char *text = arena_copy_string(arena, slice_from_string(list));
    size_t size = 0;

    for (const char *from = text; *from != '\0'; from++) {
        if (*from != ' ')
            text[size++] = *from == ',' ? '|' : *from;
    }
    text[size] = '\0';
    while (*text == '"' || *text == '\'')
        text++;
    size = strlen(text);
    while (size > 0 && (text[size - 1] == '"' || text[size - 1] == '\''))
        text[--size] = '\0';
    return topic_filter_create_exact(arena, text, filter);
}

bool is_internal_topic(struct slice name)
{
    return slice_equal_string(name, "__consumer_offsets") || slice_equal_string(name, "__transaction_state") ||
           slice_equal_string(name, "__share_group_state");
}
