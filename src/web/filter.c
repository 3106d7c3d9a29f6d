#include "web/filter.h"

#include "base/banned.h"
#include "base/text.h"
#include "web/cell.h"
#include "web/message.h"

#include <ctype.h>
#include <jansson.h>
#include <time.h>

enum kind { AND, OR, NOT, COMPARE, IS_NULL, CHANGED, ANYWHERE };
enum operation { EQUAL, UNEQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, CONTAINS };

struct node {
    enum kind kind;
    enum operation operation;
    const char *name, *value;
    int left, right; /* indexes */
};

struct filter {
    struct node nodes[FILTER_NODES_MAX];
    int count, root;
    bool needs_row;
};

struct parser {
    struct arena *arena;
    const char *text, *mask;
    size_t at;
    struct filter *filter;
    struct error *error;
    size_t *position;
    int depth;
};

/* ---- Parsing ---- */

static void blanks_skip(struct parser *parser)
{
    while (isspace((unsigned char)parser->text[parser->at]))
        parser->at++;
}

static int wrong(struct parser *parser, const char *expected)
{
    if (parser->error->status == OK) {
        blanks_skip(parser);
        (void)error_set(parser->error, ERROR_BAD_INPUT, "%s was expected at character %zu", expected, parser->at + 1);
        *parser->position = parser->at;
    }
    return -1;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("_.-$:/@+%", c) != NULL) || (unsigned char)c >= 0x80;
}

/* The word at the front, in the arena, and behind it; NULL when there is none. */
static const char *word_take(struct parser *parser)
{
    size_t from;

    blanks_skip(parser);
    from = parser->at;
    while (is_word(parser->text[parser->at]))
        parser->at++;
    return parser->at == from ? NULL : arena_copy_string(parser->arena, slice_of(parser->text + from, parser->at - from));
}

/* Takes the word if it is this one. */
static bool keyword(struct parser *parser, const char *wanted)
{
    size_t before = parser->at;
    const char *word = word_take(parser);

    if (word != NULL && strcasecmp(word, wanted) == 0)
        return true;
    parser->at = before;
    return false;
}

static const char *quoted_take(struct parser *parser)
{
    char quote = parser->text[parser->at];
    struct buffer text;
    const char *copy;

    buffer_init(&text, 65536);
    for (parser->at++; parser->text[parser->at] != '\0'; parser->at++) {
        if (parser->text[parser->at] == quote && parser->text[parser->at + 1] == quote)
            parser->at++; /* '' is one quote */
        else if (parser->text[parser->at] == quote)
            break;
        buffer_append_u8(&text, (uint8_t)parser->text[parser->at]);
    }
    copy = text.size == 0 ? "" : arena_copy_string(parser->arena, buffer_slice(&text));
    buffer_finish(&text);
    if (parser->text[parser->at] == '\0') {
        (void)wrong(parser, "a closing quote");
        return NULL;
    }
    parser->at++;
    return copy;
}

/* Such as 3000jj, which would be compared with numbers as text. 2026-11-24T10:00, 2A/91F3 and the like are no numbers at all. */
static bool is_half_number(const char *word)
{
    const char *digits = word + strspn(word, "+-");
    struct decimal number;

    return isdigit((unsigned char)digits[0]) && isalpha((unsigned char)digits[strspn(digits, "0123456789.")]) && strpbrk(digits, "-:/") == NULL &&
           !decimal_parse(slice_from_string(word), &number);
}

/* The value of a comparison, in the arena; one of more or less that is not in quotes has to be a number when it begins as one. */
static const char *value_take(struct parser *parser, enum operation operation)
{
    bool is_order = operation >= LESS && operation <= GREATER_EQUAL;
    const char *word;
    size_t from;

    blanks_skip(parser);
    from = parser->at;
    if (parser->text[parser->at] == '\'' || parser->text[parser->at] == '"')
        return quoted_take(parser);
    word = word_take(parser);
    if (word == NULL || (is_order && is_half_number(word))) {
        parser->at = from;
        (void)wrong(parser, word == NULL ? "a number, a word or 'text'" : "a number, a time or 'text'");
        return NULL;
    }
    return word;
}

static int node_add(struct parser *parser, struct node node)
{
    if (parser->filter->count == FILTER_NODES_MAX)
        return wrong(parser, "a shorter filter");
    parser->filter->nodes[parser->filter->count] = node;
    return parser->filter->count++;
}

static bool operation_take(struct parser *parser, enum operation *operation)
{
    static const struct {
        const char *text;
        enum operation operation;
    } all[] = {{"!=", UNEQUAL}, {"<>", UNEQUAL}, {"<=", LESS_EQUAL}, {">=", GREATER_EQUAL}, {"=", EQUAL}, {"<", LESS}, {">", GREATER}};

    blanks_skip(parser);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strncmp(parser->text + parser->at, all[i].text, strlen(all[i].text)) == 0) {
            parser->at += strlen(all[i].text);
            *operation = all[i].operation;
            return true;
        }
    }
    *operation = CONTAINS;
    return keyword(parser, "contains");
}

static bool is_of_message(const char *name)
{
    static const char *const names[] = {"partition", "offset", "time", "size", "key", "value"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return strncmp(name, "header.", 7) == 0 || strncmp(name, "key.", 4) == 0;
}

/* Would it look into what the mask hides? The table is not known here, so a column's name alone decides; a text as a whole may hold any. */
static bool is_hidden(const struct parser *parser, const struct node *node)
{
    const char *mask = parser->mask == NULL ? "" : parser->mask, *dot = node->name == NULL ? NULL : strrchr(node->name, '.');

    if (*mask == '\0')
        return false;
    if (node->kind == ANYWHERE || strcmp(node->name, "key") == 0 || strcmp(node->name, "value") == 0)
        return true;
    return message_is_masked(mask, slice_null(), slice_null(), dot == NULL ? node->name : dot + 1);
}

static int hidden(struct parser *parser, size_t from)
{
    parser->at = from;
    return wrong(parser, "the name of a column that is not hidden (console.mask)");
}

static int or_parse(struct parser *parser);

static int test_parse(struct parser *parser)
{
    struct node node = {.kind = COMPARE};
    size_t from;

    blanks_skip(parser);
    from = parser->at;
    if (parser->text[parser->at] == '\'' || parser->text[parser->at] == '"') {
        node.kind = ANYWHERE;
        node.value = quoted_take(parser);
        return node.value == NULL ? -1 : is_hidden(parser, &node) ? hidden(parser, from) : node_add(parser, node);
    }
    node.name = word_take(parser);
    if (node.name == NULL)
        return wrong(parser, "a column, a word or 'text'");
    if (strcasecmp(node.name, "changed") == 0 && parser->text[parser->at] == '(') {
        parser->at++;
        node.kind = CHANGED;
        node.name = word_take(parser);
        blanks_skip(parser);
        if (node.name == NULL || parser->text[parser->at] != ')')
            return wrong(parser, "changed(column)");
        parser->at++;
    } else if (keyword(parser, "is")) {
        node.kind = IS_NULL;
        node.operation = keyword(parser, "not") ? UNEQUAL : EQUAL;
        if (!keyword(parser, "null"))
            return wrong(parser, "null");
    } else if (operation_take(parser, &node.operation)) {
        node.value = value_take(parser, node.operation);
        if (node.value == NULL)
            return -1;
    } else {
        node = (struct node){.kind = ANYWHERE, .value = node.name};
    }
    if (is_hidden(parser, &node))
        return hidden(parser, from);
    parser->filter->needs_row = parser->filter->needs_row || (node.kind != ANYWHERE && !is_of_message(node.name));
    return node_add(parser, node);
}

static int unary_parse(struct parser *parser)
{
    int inner;

    if (++parser->depth > FILTER_NODES_MAX)
        return wrong(parser, "a simpler filter");
    blanks_skip(parser);
    if (keyword(parser, "not")) {
        inner = unary_parse(parser);
        return inner < 0 ? -1 : node_add(parser, (struct node){.kind = NOT, .left = inner});
    }
    if (parser->text[parser->at] != '(')
        return test_parse(parser);
    parser->at++;
    inner = or_parse(parser);
    blanks_skip(parser);
    if (inner < 0)
        return -1;
    if (parser->text[parser->at] != ')')
        return wrong(parser, "\")\"");
    parser->at++;
    return inner;
}

static int chain_parse(struct parser *parser, const char *word, enum kind kind, int (*next)(struct parser *parser))
{
    int left = next(parser);

    while (left >= 0 && keyword(parser, word)) {
        int right = next(parser);

        left = right < 0 ? -1 : node_add(parser, (struct node){.kind = kind, .left = left, .right = right});
    }
    return left;
}

static int and_parse(struct parser *parser)
{
    return chain_parse(parser, "and", AND, unary_parse);
}

static int or_parse(struct parser *parser)
{
    return chain_parse(parser, "or", OR, and_parse);
}

enum status filter_compile(struct arena *arena, const char *text, const char *mask, struct filter **compiled, size_t *position, struct error *error)
{
    struct filter *filter = arena_new(arena, sizeof(*filter));
    struct parser parser = {.arena = arena, .text = text, .mask = mask, .filter = filter, .error = error, .position = position};

    error->status = OK;
    filter->root = or_parse(&parser);
    blanks_skip(&parser);
    if (filter->root >= 0 && text[parser.at] != '\0')
        (void)wrong(&parser, "and, or, or the end");
    *compiled = filter;
    return error->status;
}

bool filter_needs_row(const struct filter *filter)
{
    return filter->needs_row;
}

/* ---- Values ---- */

static const char *of_json(struct arena *arena, struct slice text, const char *name)
{
    json_t *root = slice_is_null(text) ? NULL : json_loadb((const char *)text.data, text.size, 0, NULL), *value;
    const json_t *payload = json_object_get(root, "payload");
    const char *found = NULL;
    char *dumped;

    value = json_object_get(json_is_object(payload) ? payload : root, name);
    if (json_is_string(value)) {
        found = arena_copy_string(arena, slice_of(json_string_value(value), json_string_length(value)));
    } else if (value != NULL && !json_is_null(value)) {
        dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        found = dumped == NULL ? NULL : arena_copy_string(arena, slice_from_string(dumped));
        free(dumped);
    }
    json_decref(root);
    return found;
}

static const char *of_row(const struct filter_input *input, const struct change_value *row, const char *name)
{
    const struct change *change = input->change;

    for (size_t i = 0; row != NULL && change->schema != NULL && i < change->schema->column_count; i++) {
        if (strcmp(change->schema->columns[i].name, name) == 0)
            return cell_text(&change->schema->columns[i], &row[i], input->arena);
    }
    return NULL;
}

static const char *of_header(const struct filter_input *input, const char *name)
{
    struct record copy = *input->record;
    struct record_header header;

    while (record_next_header(&copy, &header)) {
        if (slice_equal_string(header.key, name))
            return slice_is_null(header.value) ? NULL : arena_copy_string(input->arena, header.value);
    }
    return NULL;
}

static const char *time_text(struct arena *arena, int64_t at_ms)
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm parts;

    if (gmtime_r(&seconds, &parts) == NULL)
        return NULL;
    return arena_format(arena, "%04d-%02d-%02d %02d:%02d:%02d.%03d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                        (int)(at_ms % 1000));
}

static const char *of_message(const struct filter_input *input, const char *name, bool *found)
{
    const struct record *record = input->record;
    const struct change *change = input->change;

    *found = true;
    if (strcmp(name, "partition") == 0)
        return arena_format(input->arena, "%d", (int)input->partition);
    if (strcmp(name, "offset") == 0)
        return arena_format(input->arena, "%lld", (long long)record->offset);
    if (strcmp(name, "size") == 0)
        return arena_format(input->arena, "%zu", record->key.size + record->value.size);
    if (strcmp(name, "time") == 0)
        return time_text(input->arena, record->timestamp_ms);
    if (strcmp(name, "key") == 0)
        return slice_is_null(record->key) ? NULL : arena_copy_string(input->arena, record->key);
    if (strcmp(name, "value") == 0)
        return slice_is_null(record->value) ? NULL : arena_copy_string(input->arena, record->value);
    if (change != NULL && strcmp(name, "op") == 0)
        return change->operation == 0 ? NULL : arena_format(input->arena, "%c", change->operation);
    if (change != NULL && strcmp(name, "xid") == 0)
        return change->transaction_id < 0 ? NULL : arena_format(input->arena, "%lld", (long long)change->transaction_id);
    if (change != NULL && strcmp(name, "lsn") == 0)
        return change->lsn < 0 ? NULL : arena_format(input->arena, "%08X/%08X", (unsigned)((uint64_t)change->lsn >> 32), (unsigned)((uint64_t)change->lsn & 0xFFFFFFFF));
    *found = false;
    return NULL;
}

static const char *value_of(const struct filter_input *input, const char *name)
{
    const struct change *change = input->change;
    bool found;
    const char *text = of_message(input, name, &found);

    if (found)
        return text;
    if (strncmp(name, "header.", 7) == 0)
        return of_header(input, name + 7);
    if (strncmp(name, "key.", 4) == 0)
        return of_json(input->arena, input->record->key, name + 4);
    if (strncmp(name, "value.", 6) == 0)
        return of_json(input->arena, input->record->value, name + 6);
    if (change == NULL)
        return of_json(input->arena, input->record->value, name);
    if (strncmp(name, "before.", 7) == 0)
        return of_row(input, change->before, name + 7);
    if (strncmp(name, "after.", 6) == 0)
        return of_row(input, change->after, name + 6);
    return of_row(input, change->after != NULL ? change->after : change->before, name);
}

/* ---- Matching ---- */

/* "2A/91F3" to two groups of eight digits; anything else stays. */
static const char *lsn_text(struct arena *arena, const char *text)
{
    unsigned high, low;
    char rest;

    if (sscanf(text, "%8X/%8X%c", &high, &low, &rest) != 2)
        return text;
    return arena_format(arena, "%08X/%08X", high, low);
}

/* A time of day is compared with the time of day, a time in ISO 8601 with a blank in place of T. */
static int time_compare(struct arena *arena, const char *text, const char *value)
{
    char *copy = arena_copy_string(arena, slice_from_string(value));
    char *letter = strchr(copy, 'T');
    size_t size;

    if (letter != NULL)
        *letter = ' ';
    size = strlen(copy);
    if (size > 0 && copy[size - 1] == 'Z')
        copy[size - 1] = '\0';
    if (strchr(copy, '-') == NULL && strlen(text) > 11)
        text += 11;
    return strcmp(text, copy);
}

static bool is_time(const char *text)
{
    return strlen(text) >= 19 && text[4] == '-' && text[7] == '-' && text[10] == ' ' && text[13] == ':';
}

/* "update" for "u", as people say it. */
static const char *operation_letter(const char *word)
{
    static const struct {
        const char *word, *letter;
    } words[] = {{"create", "c"}, {"insert", "c"}, {"update", "u"}, {"delete", "d"}, {"read", "r"}, {"snapshot", "r"}, {"truncate", "t"}, {"message", "m"}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(word, words[i].word) == 0)
            return words[i].letter;
    }
    return word;
}

static int values_compare(struct arena *arena, const char *name, const char *text, const char *value)
{
    struct decimal a, b;

    if (decimal_parse(slice_from_string(text), &a) && decimal_parse(slice_from_string(value), &b))
        return decimal_compare(&a, &b);
    if (strcmp(name, "lsn") == 0)
        return strcmp(text, lsn_text(arena, value));
    if (strcmp(name, "op") == 0)
        return strcmp(text, operation_letter(value));
    return is_time(text) ? time_compare(arena, text, value) : strcmp(text, value);
}

static bool compare_matches(const struct node *node, const struct filter_input *input)
{
    const char *text = value_of(input, node->name);
    int order;

    if (text == NULL)
        return false;
    if (node->operation == CONTAINS)
        return strcasestr(text, node->value) != NULL;
    order = values_compare(input->arena, node->name, text, node->value);
    switch (node->operation) {
    case EQUAL:
        return order == 0;
    case UNEQUAL:
        return order != 0;
    case LESS:
        return order < 0;
    case LESS_EQUAL:
        return order <= 0;
    case GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

static bool has_text(struct slice in, const char *text)
{
    size_t size = strlen(text);

    if (size == 0)
        return true;
    for (size_t at = 0; at + size <= in.size; at++) {
        if (tolower(in.data[at]) == tolower((unsigned char)text[0]) && strncasecmp((const char *)in.data + at, text, size) == 0)
            return true;
    }
    return false;
}

static bool anywhere_matches(const struct node *node, const struct filter_input *input)
{
    struct record copy = *input->record;
    struct record_header header;

    if (has_text(copy.key, node->value) || has_text(message_payload(copy.value), node->value))
        return true;
    while (record_next_header(&copy, &header)) {
        if (has_text(header.key, node->value) || has_text(header.value, node->value))
            return true;
    }
    return false;
}

static bool changed_matches(const struct node *node, const struct filter_input *input)
{
    const char *before, *after;

    if (input->change == NULL || input->change->before == NULL || input->change->after == NULL)
        return false;
    before = of_row(input, input->change->before, node->name);
    after = of_row(input, input->change->after, node->name);
    return before == NULL ? after != NULL : after == NULL || strcmp(before, after) != 0;
}

static bool node_matches(const struct filter *filter, int index, const struct filter_input *input)
{
    const struct node *node = &filter->nodes[index];

    switch (node->kind) {
    case AND:
        return node_matches(filter, node->left, input) && node_matches(filter, node->right, input);
    case OR:
        return node_matches(filter, node->left, input) || node_matches(filter, node->right, input);
    case NOT:
        return !node_matches(filter, node->left, input);
    case IS_NULL:
        return (value_of(input, node->name) == NULL) == (node->operation == EQUAL);
    case CHANGED:
        return changed_matches(node, input);
    case ANYWHERE:
        return anywhere_matches(node, input);
    case COMPARE:
        break;
    }
    return compare_matches(node, input);
}

bool filter_matches(const struct filter *filter, const struct filter_input *input)
{
    return node_matches(filter, filter->root, input);
}
