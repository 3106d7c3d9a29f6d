/* tools/tools.h: the Kafka command line tools, as one table that the main program looks its argv[0] up in. */
#ifndef TOOLS_TOOLS_H
#define TOOLS_TOOLS_H

#include <stddef.h>

struct tool {
    const char *name;    /* "kafka-topics"; build/bin has links by this name with and without .sh */
    int (*main)(int argc, char **argv); /* argv[0] is the tool's name; returns the exit code of the process */
    const char *summary; /* one line for the list of commands */
};

/* All tools in the order in which they are listed; the last row has a NULL name. */
extern const struct tool tools_table[];

/* Finds a tool by a path or name, with or without .sh: "/usr/bin/kafka-topics.sh"; NULL when it is none. */
const struct tool *tool_find(const char *name);

#endif
