/* tools/justify.h: text in justified lines, as argparse4j prints help and errors. */
#ifndef TOOLS_JUSTIFY_H
#define TOOLS_JUSTIFY_H

#include "base/arena.h"

/* Lines of at most `width` columns, their blanks stretched; every line but the first begins with `indent` blanks. */
const char *justify_text(struct arena *arena, const char *text, int width, int first_column, int indent);

#endif
