#include "base/csv.h"

#include "base/banned.h"

#include <stdlib.h>
#include <string.h>

static void quoted(struct buffer *line, const char *before, const char *text)
{
    buffer_append_u8(line, '"');
    buffer_append_string(line, before);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            buffer_append_u8(line, '"');
        buffer_append_u8(line, (uint8_t)*text);
    }
    buffer_append_u8(line, '"');
}

void csv_append(struct buffer *line, const char *text)
{
    if (*text != '\0' && strpbrk(text, ",\"\r\n") == NULL)
        buffer_append_string(line, text);
    else
        quoted(line, "", text);
}

/* "-12.5e3" */
static bool is_number(const char *text)
{
    char *end;

    (void)strtod(text, &end);
    return *end == '\0' && text[strspn(text, "0123456789.eE+-")] == '\0';
}

void csv_append_safely(struct buffer *line, const char *text)
{
    if (*text != '\0' && strchr("=+-@\t\r", *text) != NULL && !is_number(text))
        quoted(line, "'", text);
    else
        csv_append(line, text);
}
