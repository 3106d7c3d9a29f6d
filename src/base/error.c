#include "base/error.h"

#include "base/banned.h"

#include <errno.h>
#include <stdarg.h>

static const struct {
    const char *name;
    const char *text;
    int16_t kafka;
    int http;
    int exit;
    bool retriable;
} facts[STATUS_COUNT] = {
    {"NONE", "no error", 0, 200, 0, false},
#define E(name, text, kafka, http, exit, retriable) {#name, text, kafka, http, exit, retriable},
#include "base/errors.def"
#undef E
};

enum status error_set(struct error *error, enum status status, const char *format, ...)
{
    va_list arguments;

    if (error != NULL) {
        error->status = status;
        va_start(arguments, format);
        (void)vsnprintf(error->message, sizeof(error->message), format, arguments);
        va_end(arguments);
    }
    return status;
}

enum status error_set_system(struct error *error, enum status status, int error_number, const char *format, ...)
{
    va_list arguments;
    char doing[768];
    char text[128];

    if (status == ERROR_DISK && (error_number == ENOSPC || error_number == EDQUOT))
        status = ERROR_DISK_FULL;
    va_start(arguments, format);
    (void)vsnprintf(doing, sizeof(doing), format, arguments);
    va_end(arguments);
    return error_set(error, status, "%s: %s", doing, strerror_r(error_number, text, sizeof(text)));
}

void error_context(struct error *error, const char *format, ...)
{
    va_list arguments;
    char before[sizeof(error->message)];
    char context[512];

    if (error == NULL)
        return;
    memcpy(before, error->message, sizeof(before));
    va_start(arguments, format);
    (void)vsnprintf(context, sizeof(context), format, arguments);
    va_end(arguments);
    (void)snprintf(error->message, sizeof(error->message), "%s: %.*s", context, (int)sizeof(before) - 600, before);
}

void error_remedy(struct error *error, const char *format, ...)
{
    va_list arguments;
    size_t used;

    if (error == NULL || strchr(error->message, '\n') != NULL)
        return;
    used = strlen(error->message);
    if (used + 2 > sizeof(error->message))
        return;
    error->message[used++] = '\n';
    va_start(arguments, format);
    (void)vsnprintf(error->message + used, sizeof(error->message) - used, format, arguments);
    va_end(arguments);
}

const char *status_name(enum status status)
{
    return facts[status].name;
}

const char *status_text(enum status status)
{
    return facts[status].text;
}

int16_t status_kafka_code(enum status status)
{
    return facts[status].kafka;
}

int status_http_code(enum status status)
{
    return facts[status].http;
}

int status_exit_code(enum status status)
{
    return facts[status].exit;
}

bool status_is_retriable(enum status status)
{
    return facts[status].retriable;
}

enum status status_from_kafka_code(int16_t code)
{
    if (code == 0)
        return OK;
    for (int i = ERROR_UNKNOWN_SERVER_ERROR; i < STATUS_COUNT; i++) {
        if (facts[i].kafka == code)
            return (enum status)i;
    }
    return ERROR_UNKNOWN_SERVER_ERROR;
}
