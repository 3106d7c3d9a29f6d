#include "os/terminal.h"

#include "base/banned.h"
#include "base/text.h"

#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_MIN = 20, COLUMNS_MOST = 10000 };

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

static bool terminal_has_colors(int fd)
{
    const char *unwanted = getenv("NO_COLOR"), *kind = getenv("TERM");

    return terminal_is(fd) && (unwanted == NULL || *unwanted == '\0') && kind != NULL && strcmp(kind, "dumb") != 0;
}

const char *terminal_style(int fd, enum style style)
{
    return terminal_has_colors(fd) ? style_escape(style) : "";
}

void terminal_size(int fd, int *rows, int *columns)
{
    struct winsize size;
    bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;

    *rows = known ? size.ws_row : 24;
    *columns = known ? size.ws_col : 80;
}

/*
 * How wide a page on that descriptor may be: what COLUMNS says, otherwise the terminal's columns, otherwise 0: as wide as it is,
 * since programs read whole lines.
 */
static size_t terminal_page_columns(int fd)
{
    const char *wanted = getenv("COLUMNS");
    struct winsize size;
    int64_t columns;

    if (wanted != NULL && text_parse_int64(slice_from_string(wanted), &columns) && columns >= COLUMNS_MIN && columns <= COLUMNS_MOST)
        return (size_t)columns;
    if (!terminal_is(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 0;
    return size.ws_col < COLUMNS_MIN ? COLUMNS_MIN : size.ws_col;
}

struct page terminal_page(struct buffer *text)
{
    return (struct page){text, terminal_has_colors(STDOUT_FILENO), terminal_page_columns(STDOUT_FILENO)};
}

enum status terminal_confirm(const char *question, bool sure, struct error *error)
{
    char answer[16];

    if (sure)
        return OK;
    if (!terminal_is(0) || !terminal_is(1))
        return error_set(error, ERROR_USAGE, "%s Nobody can answer here; nothing was changed. --yes does it without asking", question);
    (void)printf("%s [y/N] ", question);
    (void)fflush(stdout);
    if (fgets(answer, sizeof(answer), stdin) == NULL || (answer[0] != 'y' && answer[0] != 'Y'))
        return error_set(error, ERROR_CLOSED, "nothing was changed");
    return OK;
}
