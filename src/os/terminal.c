#include "os/terminal.h"

#include "base/banned.h"

#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

bool terminal_has_colors(int fd)
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
