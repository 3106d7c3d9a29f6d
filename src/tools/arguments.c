#include "tools/arguments.h"

#include "base/banned.h"
#include "base/text.h"
#include "tools/tools.h"

#include <assert.h>
#include <stdarg.h>

#define KAFKA_VERSION "4.3.0"
#define NAME_COLUMN 46
#define TEXT_BYTES_MAX (256 * 1024)

static const struct argument_spec *spec_find(const struct arguments *options, const char *name, size_t size)
{
    for (const struct argument_spec *spec = options->specs; spec->name != NULL; spec++) {
        if (strlen(spec->name) == size && memcmp(spec->name, name, size) == 0)
            return spec;
    }
    return NULL;
}

static const struct argument_spec *spec_known(const struct arguments *options, const char *name)
{
    const struct argument_spec *spec = spec_find(options, name, strlen(name));

    assert(spec != NULL);
    return spec;
}

static bool looks_like_option(const char *word)
{
    return word[0] == '-' && strcmp(word, "-") != 0 && strcmp(word, "--") != 0;
}

static void value_add(struct arguments *options, const struct argument_spec *spec, const char *text)
{
    options->values[options->count++] = (struct argument_value){.spec = spec, .text = text};
}

/* One option; `attached` is what stands behind '=' or NULL. Moves *at past an argument that it took. */
static const struct failure *option_take(struct arguments *options, const struct argument_spec *spec, const char *attached, int *at)
{
    bool has_attached = attached != NULL && *attached != '\0';
    const char *next = *at + 1 < options->argc ? options->argv[*at + 1] : NULL;

    if (spec->argument == ARGUMENT_NONE) {
        value_add(options, spec, NULL);
    } else if (has_attached) {
        value_add(options, spec, attached);
    } else if (spec->argument == ARGUMENT_OPTIONAL && (next == NULL || looks_like_option(next))) {
        value_add(options, spec, NULL);
    } else if (next == NULL) {
        return failure_of(options->arena, "joptsimple.OptionMissingRequiredArgumentException", "Option %s requires an argument", spec->name);
    } else {
        value_add(options, spec, next);
        (*at)++;
    }
    return NULL;
}

static const struct failure *unrecognized(struct arguments *options, const char *name, size_t size)
{
    return failure_of(options->arena, "joptsimple.UnrecognizedOptionException", "%.*s is not a recognized option", (int)size, name);
}

static const struct failure *word_take(struct arguments *options, int *at)
{
    const char *word = options->argv[*at];
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1);
    const char *equals = strchr(name, '=');
    size_t size = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const struct argument_spec *spec = spec_find(options, name, size);

    if (spec == NULL)
        return unrecognized(options, name, is_long ? size : 1);
    return option_take(options, spec, equals == NULL ? NULL : equals + 1, at);
}

static const struct failure *check_available(const struct arguments *options)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct argument_spec *spec = options->values[i].spec;
        struct slice rest, name;
        bool available = spec->only_with == NULL;

        if (available)
            continue;
        rest = slice_from_string(spec->only_with);
        while (!available && text_next_field(&rest, ',', &name))
            available = arguments_has(options, arena_copy_string(options->arena, name));
        if (!available)
            return failure_of(options->arena, "joptsimple.UnavailableOptionException",
                              "Option(s) [%s] are unavailable given other options on the command line", spec->name);
    }
    return NULL;
}

const struct failure *arguments_parse(struct arguments *options, struct arena *arena, const struct argument_spec *specs, int argc, char **argv)
{
    const struct failure *failure = NULL;

    *options = (struct arguments){.arena = arena, .specs = specs, .argc = argc, .argv = argv};
    options->values = arena_new_array(arena, (size_t)argc + 1, sizeof(*options->values));
    if (command_is_question(argc, argv)) /* arguments_help_or_version answers it */
        return NULL;
    for (int at = 1; at < argc && failure == NULL; at++) {
        if (strcmp(argv[at], "--") == 0)
            break;
        if (looks_like_option(argv[at]))
            failure = word_take(options, &at);
    }
    return failure != NULL ? failure : check_available(options);
}

bool arguments_knows(const struct arguments *options, const char *name)
{
    return spec_find(options, name, strlen(name)) != NULL;
}

size_t arguments_count(const struct arguments *options, const char *name)
{
    const struct argument_spec *spec = spec_known(options, name);
    size_t count = 0;

    for (size_t i = 0; i < options->count; i++)
        count += options->values[i].spec == spec;
    return count;
}

bool arguments_has(const struct arguments *options, const char *name)
{
    return arguments_count(options, name) > 0;
}

const char *arguments_nth(const struct arguments *options, const char *name, size_t n)
{
    const struct argument_spec *spec = spec_known(options, name);

    for (size_t i = 0; i < options->count; i++) {
        if (options->values[i].spec == spec && n-- == 0)
            return options->values[i].text;
    }
    return NULL;
}

const struct failure *arguments_text(const struct arguments *options, const char *name, const char **text)
{
    const struct argument_spec *spec = spec_known(options, name);
    size_t count = arguments_count(options, name);

    if (count > 1)
        return failure_of(options->arena, "joptsimple.MultipleArgumentsForOptionException",
                          "Found multiple arguments for option %s, but you asked for only one", name);
    *text = count == 0 ? spec->default_value : arguments_nth(options, name, 0);
    return NULL;
}

const struct failure *arguments_parse_int(struct arena *arena, const char *text, int32_t *number)
{
    if (text_parse_int32(slice_from_string(text), number))
        return NULL;
    return failure_of(arena, "java.lang.NumberFormatException", "For input string: \"%s\"", text);
}

const struct failure *arguments_parse_long(struct arena *arena, const char *text, int64_t *number)
{
    if (text_parse_int64(slice_from_string(text), number))
        return NULL;
    return failure_of(arena, "java.lang.NumberFormatException", "For input string: \"%s\"", text);
}

static const struct failure *conversion_failure(struct arena *arena, const char *name, const char *text, const struct failure *cause)
{
    if (cause == NULL)
        return NULL;
    cause = failure_wrap(arena, "joptsimple.internal.ReflectionException", cause);
    return failure_caused(arena, cause, "joptsimple.OptionArgumentConversionException", "Cannot parse argument '%s' of option %s", text, name);
}

const struct failure *arguments_int(const struct arguments *options, const char *name, int32_t *number)
{
    const char *text;
    const struct failure *failure = arguments_text(options, name, &text);

    if (failure != NULL || text == NULL)
        return failure;
    return conversion_failure(options->arena, name, text, arguments_parse_int(options->arena, text, number));
}

const struct failure *arguments_long(const struct arguments *options, const char *name, int64_t *number)
{
    const char *text;
    const struct failure *failure = arguments_text(options, name, &text);

    if (failure != NULL || text == NULL)
        return failure;
    return conversion_failure(options->arena, name, text, arguments_parse_long(options->arena, text, number));
}

const struct failure *arguments_require(const struct arguments *options, ...)
{
    const struct failure *failure = NULL;
    const char *name;
    va_list names;

    va_start(names, options);
    while (failure == NULL && (name = va_arg(names, const char *)) != NULL) {
        if (!arguments_has(options, name))
            failure = failure_usage(options->arena, "Missing required argument \"[%s]\"", name);
    }
    va_end(names);
    return failure;
}

const struct failure *arguments_exclude(const struct arguments *options, const char *used, ...)
{
    const struct failure *failure = NULL;
    const char *name;
    va_list names;

    va_start(names, used);
    while (failure == NULL && (name = va_arg(names, const char *)) != NULL) {
        if (arguments_has(options, used) && arguments_has(options, name))
            failure = failure_usage(options->arena, "Option \"[%s]\" can't be used with option \"[%s]\"", used, name);
    }
    va_end(names);
    return failure;
}

const struct failure *arguments_check_bootstrap(const struct arguments *options)
{
    const char *text = NULL;
    const struct failure *failure = arguments_text(options, "bootstrap-server", &text);
    struct slice rest = slice_from_string(text == NULL ? "" : text);
    struct slice field;

    if (failure != NULL)
        return failure;
    if (rest.size == 0)
        return failure_usage(options->arena, "Error while validating the bootstrap address\n");
    while (text_next_field(&rest, ',', &field)) {
        const uint8_t *colon = field.size == 0 ? NULL : memrchr(field.data, ':', field.size);
        int32_t port;

        if (colon == NULL || colon == field.data || !text_parse_int32(slice_from(field, (size_t)(colon - field.data) + 1), &port) || port < 0)
            return failure_usage(options->arena, "Please provide valid host:port like host1:9091,host2:9092\n");
    }
    return NULL;
}

static void spec_print(const struct argument_spec *spec)
{
    char left[256];

    if (spec->argument == ARGUMENT_NONE)
        (void)snprintf(left, sizeof(left), "--%s", spec->name);
    else
        (void)snprintf(left, sizeof(left), spec->argument == ARGUMENT_OPTIONAL ? "--%s [%s]" : "--%s <%s>", spec->name,
                       spec->value == NULL ? "value" : spec->value);
    (void)fprintf(stderr, "%-*s %s", NAME_COLUMN, left, spec->help);
    if (spec->default_value != NULL)
        (void)fprintf(stderr, " (default: %s)", spec->default_value);
    (void)fputc('\n', stderr);
}

int arguments_print_usage(const struct arguments *options, const char *message)
{
    (void)fprintf(stderr, "%s\n%-*s %s\n%-*s %s\n", message, NAME_COLUMN, "Option", "Description", NAME_COLUMN, "------", "-----------");
    for (const struct argument_spec *spec = options->specs; spec->name != NULL; spec++)
        spec_print(spec);
    return 1;
}

/* ---- The manual, and completion ---- */

static int manual_print(const struct arguments *options, const char *head)
{
    const struct command *tool = tool_find(options->argv[0]);
    struct buffer page;
    char name[80];
    int code;

    buffer_init(&page, TEXT_BYTES_MAX);
    manual_begin(&page, tool->name, tool->summary);
    manual_append_text(&page, head);
    buffer_append_string(&page, MANUAL_OF_TOOLS ".Sh OPTIONS\n.Bl -tag -width Ds\n");
    for (const struct argument_spec *spec = options->specs; spec->name != NULL; spec++) {
        (void)snprintf(name, sizeof(name), "--%s", spec->name);
        manual_append_item(&page, name, spec->argument == ARGUMENT_NONE ? NULL : spec->value == NULL ? "value" : spec->value);
        manual_append_text(&page, spec->help);
        if (spec->default_value != NULL) {
            buffer_append_string(&page, "Default: ");
            manual_append_text(&page, spec->default_value);
        }
    }
    buffer_append_string(&page, ".El\n" MANUAL_SEE_ALSO);
    code = command_print(buffer_slice(&page));
    buffer_finish(&page);
    return code;
}

void argument_offer_value(const char *name, const char *typed, struct buffer *out)
{
    static const struct {
        const char *part, *kind;
    } kinds[] = {{"topic", "TOPIC"}, {"group", "GROUP"}, {"config", "FILE"}, {"file", "FILE"}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t size = strlen(name), part = strlen(kinds[i].part);

        if (size >= part && strcmp(name + size - part, kinds[i].part) == 0) {
            completion_offer_value(kinds[i].kind, typed, out);
            return;
        }
    }
}

static int complete_print(const struct arguments *options)
{
    const char *typed = options->argc > 2 ? options->argv[options->argc - 1] : "", *before = options->argc > 3 ? options->argv[options->argc - 2] : "";
    const struct argument_spec *valued = strncmp(before, "--", 2) == 0 ? spec_find(options, before + 2, strlen(before + 2)) : NULL;
    struct buffer words;
    char name[80];
    int code;

    buffer_init(&words, TEXT_BYTES_MAX);
    if (valued != NULL && valued->argument != ARGUMENT_NONE && !looks_like_option(typed))
        argument_offer_value(valued->name, typed, &words);
    for (const struct argument_spec *spec = options->specs; spec->name != NULL; spec++) {
        (void)snprintf(name, sizeof(name), "--%s", spec->name);
        if (valued == NULL || valued->argument == ARGUMENT_NONE || looks_like_option(typed))
            completion_offer(name, spec->help, typed, &words);
    }
    code = command_print(buffer_slice(&words));
    buffer_finish(&words);
    return code;
}

bool arguments_help_or_version(const struct arguments *options, const char *head, int *exit_code)
{
    if (command_is_question(options->argc, options->argv)) {
        *exit_code = strcmp(options->argv[1], "--manual") == 0 ? manual_print(options, head) : complete_print(options);
        return true;
    }
    if (options->argc <= 1 || arguments_has(options, "help")) {
        *exit_code = arguments_print_usage(options, head);
        return true;
    }
    if (arguments_has(options, "version")) {
        (void)puts(KAFKA_VERSION);
        *exit_code = 0;
        return true;
    }
    return false;
}

bool arguments_is_failure(const struct failure *failure)
{
    return failure->class_name != NULL && strncmp(failure->class_name, "joptsimple.", 11) == 0;
}
