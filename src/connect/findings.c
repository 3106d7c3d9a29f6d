#include "connect/findings.h"

#include "base/amount.h"
#include "base/banned.h"
#include "base/memory.h"

#include <stdarg.h>

#define NAMES_TEXT_MAX 65536

static const struct {
    const char *name, *title, *why;
} codes[] = {
#define FINDING(code, title, why) {#code, title, why},
#include "connect/findings.def"
#undef FINDING
};

void findings_init(struct findings *findings, struct arena *arena)
{
    *findings = (struct findings){.arena = arena};
}

struct finding *findings_add(struct findings *findings, enum finding_code code, enum finding_state state, const char *format, ...)
{
    struct finding *finding = arena_new(findings->arena, sizeof(*finding));

    if (findings->count == findings->capacity) {
        struct finding **grown;

        findings->capacity = findings->capacity == 0 ? 32 : 2 * findings->capacity;
        grown = arena_new_array(findings->arena, findings->capacity, sizeof(struct finding *));
        if (findings->count > 0)
            memcpy(grown, findings->items, findings->count * sizeof(struct finding *));
        findings->items = grown;
    }
    *finding = (struct finding){.code = code, .state = state, .subject = findings->subject, .title = codes[code].title};
    if (format != NULL) {
        va_list arguments;

        va_start(arguments, format);
        finding->found = arena_format_list(findings->arena, format, arguments);
        va_end(arguments);
    }
    findings->items[findings->count++] = finding;
    return finding;
}

const struct finding *findings_find(const struct findings *findings, enum finding_code code)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i]->code == code)
            return findings->items[i];
    }
    return NULL;
}

size_t findings_count(const struct findings *findings, enum finding_state state)
{
    size_t count = 0;

    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i]->state == state;
    return count;
}

const char *finding_code_name(enum finding_code code)
{
    return codes[code].name;
}

const char *finding_why(enum finding_code code)
{
    return codes[code].why;
}

const char *finding_state_name(enum finding_state state)
{
    static const char *const names[] = {"ok", "info", "warn", "error"};

    return names[state];
}

const char *bytes_text(struct arena *arena, int64_t bytes)
{
    struct buffer text;
    const char *copy;

    buffer_init(&text, 64);
    amount_bytes(&text, bytes);
    copy = arena_copy_string(arena, buffer_slice(&text));
    buffer_finish(&text);
    return copy;
}

void name_list_init(struct name_list *list, size_t shown)
{
    *list = (struct name_list){.shown = shown};
    buffer_init(&list->text, NAMES_TEXT_MAX);
}

void name_list_add(struct name_list *list, const char *name)
{
    if (list->count < list->shown)
        buffer_append_format(&list->text, "%s%s", list->count == 0 ? "" : ", ", name);
    list->count++;
}

const char *name_list_end(struct name_list *list, struct arena *arena)
{
    const char *text;

    if (list->count > list->shown)
        buffer_append_format(&list->text, " and %zu more", list->count - list->shown);
    text = list->count == 0 ? NULL : arena_copy_string(arena, buffer_slice(&list->text));
    buffer_finish(&list->text);
    return text;
}
