#include "server/doctor_page.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"

#include <jansson.h>
#include <stdlib.h>

#define TITLE_WIDTH 26
#define INDENT "         "

static enum style style_of(enum finding_state state)
{
    static const enum style styles[] = {STYLE_GOOD, STYLE_DIM, STYLE_WARN, STYLE_BAD};

    return styles[state];
}

/* Words that belong to a finding. */
static void words_print(struct page *page, const char *label, const char *text)
{
    page_print(page, STYLE_DIM, INDENT "%4s  ", label);
    page_paragraph(page, strlen(INDENT) + 6, "", text);
}

/* Each line of a remedy on one of its own, as it is, ready to be copied. */
static void lines_print(struct page *page, const char *label, const char *text)
{
    struct slice rest = slice_from_string(text), line;

    while (text_next_field(&rest, '\n', &line)) {
        page_print(page, STYLE_DIM, INDENT "%4s  ", label);
        page_print(page, STYLE_PLAIN, "%.*s\n", (int)line.size, (const char *)line.data);
        label = "";
    }
}

static void finding_print(struct page *page, const struct finding *finding)
{
    bool is_bad = finding->state >= FINDING_IS_WARN;

    page_print(page, style_of(finding->state), "  %-5s", finding_state_name(finding->state));
    if (!is_bad) {
        page_print(page, STYLE_PLAIN, "  %-*s ", TITLE_WIDTH, finding->title);
        page_paragraph(page, TITLE_WIDTH + 10, "", finding->found == NULL ? "" : finding->found);
    } else {
        page_print(page, STYLE_STRONG, "  %s\n", finding->title);
        if (finding->found != NULL)
            words_print(page, "", finding->found);
        if (finding_why(finding->code) != NULL)
            words_print(page, "why", finding_why(finding->code));
    }
    if (is_bad && finding->todo != NULL)
        words_print(page, "do", finding->todo);
    if (is_bad && finding->set_key != NULL && finding->set_value != NULL)
        page_print(page, STYLE_PLAIN, INDENT " set  \"%s\": \"%s\"\n", finding->set_key, finding->set_value);
    else if (is_bad && finding->set_key != NULL)
        page_print(page, STYLE_PLAIN, INDENT " set  take \"%s\" out\n", finding->set_key);
    if (is_bad && finding->sql != NULL)
        lines_print(page, "SQL", finding->sql);
    if (is_bad && finding->command != NULL)
        lines_print(page, "run", finding->command);
}

struct doctor_totals doctor_count(const struct doctor_group *groups, size_t count)
{
    struct doctor_totals totals = {0};

    for (size_t i = 0; i < count; i++) {
        totals.errors += findings_count(groups[i].findings, FINDING_IS_ERROR);
        totals.warnings += findings_count(groups[i].findings, FINDING_IS_WARN);
    }
    return totals;
}

void doctor_page_print(struct page *page, const struct doctor_group *groups, size_t count)
{
    struct doctor_totals totals = doctor_count(groups, count);

    for (size_t i = 0; i < count; i++) {
        page_print(page, STYLE_STRONG, "%s%s\n", i == 0 ? "" : "\n", groups[i].subject);
        for (size_t k = 0; k < groups[i].findings->count; k++)
            finding_print(page, groups[i].findings->items[k]);
    }
    page_print(page, STYLE_PLAIN, "\n");
    if (totals.errors > 0)
        page_print(page, STYLE_BAD, "%zu %s, %zu %s.\n", totals.errors, totals.errors == 1 ? "error" : "errors", totals.warnings, totals.warnings == 1 ? "warning" : "warnings");
    else if (totals.warnings > 0)
        page_print(page, STYLE_WARN, "It works; %zu %s.\n", totals.warnings, totals.warnings == 1 ? "warning" : "warnings");
    else
        page_print(page, STYLE_GOOD, "Nothing wrong was found.\n");
}

/* ---- JSON ---- */

/* What is no UTF-8 (names in a database without an encoding) is shown as far as it is ASCII. */
static json_t *text_json(const char *text)
{
    char *copy = text == NULL || text_is_utf8(slice_from_string(text)) ? NULL : memory_copy_string(text);
    json_t *value = text == NULL ? json_null() : NULL;

    for (char *at = copy; at != NULL && *at != '\0'; at++)
        *at = (uint8_t)*at < 0x80 ? *at : '?';
    if (value == NULL)
        value = json_string(copy == NULL ? text : copy);
    memory_free(copy);
    return value;
}

static json_t *set_json(const struct finding *finding)
{
    json_t *set;

    if (finding->set_key == NULL)
        return json_null();
    set = json_object();
    (void)json_object_set_new(set, finding->set_key, text_json(finding->set_value));
    return set;
}

static json_t *finding_json(const struct finding *finding)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "code", finding_code_name(finding->code), "state", finding_state_name(finding->state), "title",
                     text_json(finding->title), "found", text_json(finding->found), "why", text_json(finding_why(finding->code)), "todo", text_json(finding->todo), "property",
                     text_json(finding->property), "set", set_json(finding), "sql", text_json(finding->sql), "command", text_json(finding->command), "safe", (int)finding->is_safe);
}

void doctor_page_json(struct buffer *text, const struct doctor_group *groups, size_t count)
{
    struct doctor_totals totals = doctor_count(groups, count);
    json_t *list = json_array(), *object;
    char *dumped;

    for (size_t i = 0; i < count; i++) {
        json_t *findings = json_array();

        for (size_t k = 0; k < groups[i].findings->count; k++)
            (void)json_array_append_new(findings, finding_json(groups[i].findings->items[k]));
        (void)json_array_append_new(list, json_pack("{s:o, s:o}", "subject", text_json(groups[i].subject), "findings", findings));
    }
    object = json_pack("{s:s, s:I, s:I, s:o}", "verdict", totals.errors > 0 ? "error" : totals.warnings > 0 ? "warn" : "ok", "errors", (json_int_t)totals.errors, "warnings",
                       (json_int_t)totals.warnings, "groups", list);
    dumped = json_dumps(object, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    if (dumped != NULL)
        buffer_append_format(text, "%s\n", dumped);
    free(dumped);
    json_decref(object);
}
