/* tools/command.h: how a tool starts and ends. */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include "base/arena.h"

/*
 * Runs a tool: gives it an arena for the whole run, and afterwards flushes what it printed.
 * Gives the exit code: that of `run`, or 1 when standard output could not be written
 */
int command_run(int argc, char **argv, int (*run)(struct arena *arena, int argc, char **argv));

/* The words of a command line joined by blanks. */
const char *command_line(struct arena *arena, int argc, char **argv);

#endif
