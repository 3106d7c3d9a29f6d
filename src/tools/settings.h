/* tools/settings.h: the settings of a Kafka client: from --command-config files and name=value options, checked as Java checks them. */
#ifndef TOOLS_SETTINGS_H
#define TOOLS_SETTINGS_H

#include "base/properties.h"
#include "tools/failure.h"

/* Adds the properties of a file; fails with NoSuchFileException. */
const struct failure *settings_load_file(struct arena *arena, const char *path, struct properties *settings);

/* The whole file, in the arena, with a NUL behind it; fails with NoSuchFileException. */
const struct failure *settings_read_file(struct arena *arena, const char *path, struct slice *content);

/* Adds "name=value"; without '=' the value is empty. */
void settings_add_assignment(struct properties *settings, const char *assignment);

/* Sets a value only when there is none yet. */
void settings_default(struct properties *settings, const char *name, const char *value);

/* A number; leaves *number alone when it is not set. ConfigException when it is not one or out of range. */
const struct failure *settings_int(struct arena *arena, const struct properties *settings, const char *name, int64_t min, int32_t *number);
const struct failure *settings_long(struct arena *arena, const struct properties *settings, const char *name, int64_t min, int64_t *number);
const struct failure *settings_bool(struct arena *arena, const struct properties *settings, const char *name, bool *flag);

/* One of the words, up to a NULL; the first is the default. ConfigException when it is another. */
const struct failure *settings_word(struct arena *arena, const struct properties *settings, const char *name, const char **word, ...)
    __attribute__((sentinel));

#endif
