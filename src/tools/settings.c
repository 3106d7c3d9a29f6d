#include "tools/settings.h"

#include "base/banned.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX ((size_t)256 * 1024 * 1024)
#define FILE_READ_BYTES ((size_t)64 * 1024)

static bool file_read(FILE *file, struct arena *arena, struct slice *content)
{
    struct buffer read;
    size_t got = 1;

    buffer_init(&read, FILE_BYTES_MAX);
    while (got > 0) {
        uint8_t *room = buffer_reserve(&read, FILE_READ_BYTES);

        got = room == NULL ? 0 : fread(room, 1, FILE_READ_BYTES, file);
        read.size += got;
    }
    *content = slice_of(arena_copy_string(arena, slice_of(read.size == 0 ? (const uint8_t *)"" : read.data, read.size)), read.size);
    buffer_finish(&read);
    return ferror(file) == 0 && !read.failed;
}

const struct failure *settings_read_file(struct arena *arena, const char *path, struct slice *content)
{
    struct stat facts;
    FILE *file;
    bool fine;

    if (stat(path, &facts) != 0)
        return failure_of(arena, FAILURE_NO_SUCH_FILE, "%s", path);
    file = S_ISDIR(facts.st_mode) ? NULL : fopen(path, "re");
    if (file == NULL)
        return failure_of(arena, S_ISDIR(facts.st_mode) ? "java.io.IOException" : "java.nio.file.AccessDeniedException", "%s",
                          S_ISDIR(facts.st_mode) ? "Is a directory" : path);
    fine = file_read(file, arena, content);
    (void)fclose(file);
    return fine ? NULL : failure_of(arena, "java.io.IOException", "Input/output error");
}

const struct failure *settings_load_file(struct arena *arena, const char *path, struct properties *settings)
{
    struct error error;
    struct slice content;
    const struct failure *failure = settings_read_file(arena, path, &content);

    if (failure == NULL && properties_parse(settings, content, &error) != OK)
        failure = failure_of(arena, FAILURE_ILLEGAL_ARGUMENT, "%s: %s", path, error.message);
    return failure;
}

void settings_add_assignment(struct properties *settings, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    char *name = memory_copy_bytes(assignment, equals == NULL ? strlen(assignment) : (size_t)(equals - assignment));

    properties_set(settings, name, equals == NULL ? "" : equals + 1);
    memory_free(name);
}

void settings_default(struct properties *settings, const char *name, const char *value)
{
    if (!properties_has(settings, name))
        properties_set(settings, name, value);
}

static const struct failure *not_of_type(struct arena *arena, const char *name, const char *value, const char *type)
{
    return failure_of(arena, FAILURE_CONFIG, "Invalid value %s for configuration %s: Not a number of type %s", value, name, type);
}

static const struct failure *check_minimum(struct arena *arena, const char *name, int64_t value, int64_t min)
{
    if (value >= min)
        return NULL;
    return failure_of(arena, FAILURE_CONFIG, "Invalid value %lld for configuration %s: Value must be at least %lld", (long long)value, name,
                      (long long)min);
}

const struct failure *settings_int(struct arena *arena, const struct properties *settings, const char *name, int64_t min, int32_t *number)
{
    const char *value = properties_get(settings, name);

    if (value == NULL)
        return NULL;
    if (!text_parse_int32(text_trim(slice_from_string(value)), number))
        return not_of_type(arena, name, value, "INT");
    return check_minimum(arena, name, *number, min);
}

const struct failure *settings_long(struct arena *arena, const struct properties *settings, const char *name, int64_t min, int64_t *number)
{
    const char *value = properties_get(settings, name);

    if (value == NULL)
        return NULL;
    if (!text_parse_int64(text_trim(slice_from_string(value)), number))
        return not_of_type(arena, name, value, "LONG");
    return check_minimum(arena, name, *number, min);
}

const struct failure *settings_bool(struct arena *arena, const struct properties *settings, const char *name, bool *flag)
{
    const char *value = properties_get(settings, name);

    if (value == NULL || text_parse_bool(text_trim(slice_from_string(value)), flag))
        return NULL;
    return failure_of(arena, FAILURE_CONFIG, "Invalid value %s for configuration %s: Expected value to be either true or false", value, name);
}

const struct failure *settings_word(struct arena *arena, const struct properties *settings, const char *name, const char **word, ...)
{
    const char *value = properties_get(settings, name);
    const char *list = NULL;
    const char *choice;
    bool found = false;
    va_list words;

    va_start(words, word);
    while (!found && (choice = va_arg(words, const char *)) != NULL) {
        found = value == NULL || strcmp(choice, value) == 0;
        if (found)
            *word = choice;
        list = list == NULL ? choice : arena_format(arena, "%s, %s", list, choice);
    }
    va_end(words);
    if (found)
        return NULL;
    return failure_of(arena, FAILURE_CONFIG, "Invalid value %s for configuration %s: String must be one of: %s", value, name, list);
}
