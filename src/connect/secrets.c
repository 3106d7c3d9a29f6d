#include "connect/secrets.h"

#include "base/banned.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "connect/configdef.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 20, VALUE_BYTES_MAX = 1 << 20 };

static enum status file_read(const char *path, struct properties *values, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct buffer text;
    enum status status = OK;

    if (fd < 0)
        return error_set(error, ERROR_BAD_INPUT, "could not open the file %s: %s", path, strerror(errno));
    buffer_init(&text, FILE_BYTES_MAX);
    for (;;) {
        uint8_t *to = buffer_reserve(&text, 4096);
        ssize_t got = to == NULL ? -1 : read(fd, to, 4096);

        if (got <= 0) {
            if (got < 0)
                status = error_set(error, ERROR_BAD_INPUT, "could not read the file %s: %s", path,
                                   to == NULL ? "it is longer than 1 MiB" : strerror(errno));
            break;
        }
        text.size += (size_t)got;
    }
    (void)close(fd);
    if (status == OK)
        status = properties_parse(values, buffer_slice(&text), error);
    buffer_finish(&text);
    return status;
}

/* The value of "file:PATH:KEY" or "env:NAME". Other providers are left as they are, as in Connect: *known false. */
static enum status placeholder_read(const char *inside, struct buffer *out, bool *known, struct error *error)
{
    const char *key = strrchr(inside, ':');
    enum status status = OK;

    *known = true;
    if (strncmp(inside, "env:", 4) == 0) {
        const char *value = getenv(inside + 4);

        if (value == NULL)
            return error_set(error, ERROR_BAD_INPUT, "the environment variable %s is not set", inside + 4);
        buffer_append_string(out, value);
    } else if (strncmp(inside, "file:", 5) == 0 && key > inside + 5) {
        char *path = memory_copy_bytes(inside + 5, (size_t)(key - inside) - 5);
        struct properties values;

        properties_init(&values);
        status = file_read(path, &values, error);
        if (status == OK && properties_get(&values, key + 1) == NULL)
            status = error_set(error, ERROR_BAD_INPUT, "the file %s has no value for %s", path, key + 1);
        if (status == OK)
            buffer_append_string(out, properties_get(&values, key + 1));
        properties_finish(&values);
        memory_free(path);
    } else {
        *known = false;
    }
    return status;
}

static enum status value_resolve(const char *value, struct buffer *out, struct error *error)
{
    while (*value != '\0') {
        const char *start = strstr(value, "${");
        const char *end = start == NULL ? NULL : strchr(start, '}');
        char *inside;
        enum status status;
        bool known;

        if (end == NULL) {
            buffer_append_string(out, value);
            break;
        }
        buffer_append(out, value, (size_t)(start - value));
        inside = memory_copy_bytes(start + 2, (size_t)(end - start) - 2);
        status = placeholder_read(inside, out, &known, error);
        memory_free(inside);
        if (status != OK)
            return status;
        if (!known)
            buffer_append(out, start, (size_t)(end - start) + 1);
        value = end + 1;
    }
    return OK;
}

enum status secrets_resolve(const struct properties *config, struct properties *resolved, struct error *error)
{
    enum status status = OK;
    struct buffer value;

    properties_copy(resolved, config);
    buffer_init(&value, VALUE_BYTES_MAX);
    for (size_t i = 0; i < config->count && status == OK; i++) {
        if (config->items[i].value == NULL || strstr(config->items[i].value, "${") == NULL)
            continue;
        buffer_reset(&value);
        status = value_resolve(config->items[i].value, &value, error);
        buffer_append_u8(&value, 0);
        if (status == OK && value.failed)
            status = error_set(error, ERROR_BAD_INPUT, "the value is longer than 1 MiB");
        if (status == OK)
            properties_set(resolved, config->items[i].key, (const char *)value.data);
        else
            error_context(error, "setting %s", config->items[i].key);
    }
    buffer_finish(&value);
    return status;
}

void secrets_mask(struct properties *config)
{
    for (size_t i = 0; i < config->count; i++) {
        const char *value = config->items[i].value;

        if (value != NULL && strstr(value, "${") == NULL && config_property_is_secret(config->items[i].key))
            properties_set(config, config->items[i].key, SECRET_MASK);
    }
}

void secrets_unmask(struct properties *config, const struct properties *stored)
{
    for (size_t i = 0; i < config->count; i++) {
        const char *key = config->items[i].key;
        const char *value = config->items[i].value;
        const char *kept = properties_get(stored, key);

        if (value != NULL && kept != NULL && strcmp(value, SECRET_MASK) == 0 && config_property_is_secret(key))
            properties_set(config, key, kept);
    }
}
