/*
 * os/terminal.h: is somebody looking? Colours are for terminals only, and not where NO_COLOR is set (no-color.org) or TERM is
 * "dumb"; questions are asked only where somebody can answer.
 */
#ifndef OS_TERMINAL_H
#define OS_TERMINAL_H

#include "base/error.h"
#include "base/page.h"

bool terminal_is(int fd);

/* style_escape where that descriptor has colours, "" otherwise. */
const char *terminal_style(int fd, enum style style);

/* A page that goes to stdout: colours and width as fit there. */
struct page terminal_page(struct buffer *text);

/* Rows and columns; 24 and 80 when they are not known. */
void terminal_size(int fd, int *rows, int *columns);

/*
 * Asks "<question> [y/N] " on the terminal. OK for yes.
 * sure    --yes was given: nothing is asked
 * Errors  USAGE: there is no terminal, and --yes is missing; CLOSED: the answer was no
 */
enum status terminal_confirm(const char *question, bool sure, struct error *error);

#endif
