#include "tools/justify.h"

#include "base/banned.h"

#include <ctype.h>

/* How much of a line's beginning stays together: up to the blanks after it, or a hyphen before a letter. */
static size_t word_size(const char *text)
{
    size_t size = 0;

    while (text[size] != '\0' && text[size] != ' ') {
        size++;
        if (text[size - 1] == '-' && isalpha((unsigned char)text[size]))
            return size;
    }
    while (text[size] == ' ')
        size++;
    return size;
}

/* The line without blanks around it, filled up to `missing` more columns: as many blanks at each gap, the rest in the middle. */
static const char *line_stretch(struct arena *arena, struct slice line, int missing)
{
    const char *stretched = "";
    int gaps = 0;
    int seen = 0;

    while (line.size > 0 && line.data[line.size - 1] == ' ')
        line.size--, missing++;
    while (line.size > 0 && line.data[0] == ' ')
        line = slice_from(line, 1), missing++;
    for (size_t i = 1; i < line.size; i++)
        gaps += line.data[i] == ' ' && line.data[i - 1] != ' ';
    if (gaps == 0)
        return arena_copy_string(arena, line);
    for (size_t start = 0, i = 1; i <= line.size; i++) {
        bool is_gap = i < line.size && line.data[i] == ' ' && line.data[i - 1] != ' ';
        int rest_start = (gaps - missing % gaps + 1) / 2;
        int add = !is_gap ? 0 : missing / gaps + (seen >= rest_start && seen < rest_start + missing % gaps);

        if (i < line.size && !is_gap)
            continue;
        stretched = arena_format(arena, "%s%.*s%*s", stretched, (int)(i - start), (const char *)line.data + start, add, "");
        start = i;
        seen++;
    }
    return stretched;
}

const char *justify_text(struct arena *arena, const char *text, int width, int first_column, int indent)
{
    const char *lines = "";
    const char *start = text;
    int column = first_column;

    while (*text != '\0') {
        size_t size = word_size(text);

        if (column + (int)size > width) {
            const char *line = line_stretch(arena, slice_of(start, (size_t)(text - start)), width - column);

            lines = arena_format(arena, "%s%s\n%*s", lines, line, indent, "");
            start = text;
            column = indent;
        }
        column += (int)size;
        text += size;
    }
    return arena_format(arena, "%s%s", lines, start);
}
