/* tools/tools.h: the Kafka command line tools, as one table that the main program looks its argv[0] up in. */
#ifndef TOOLS_TOOLS_H
#define TOOLS_TOOLS_H

#include "os/command.h"

/* All tools in the order in which they are listed; the last row has a NULL name. */
extern const struct command tools_table[]; /* build/bin has links by their names with and without .sh */

/* Finds a tool by a path or name, with or without .sh: "/usr/bin/kafka-topics.sh"; NULL when it is none. */
const struct command *tool_find(const char *name);

#endif
