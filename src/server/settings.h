/* server/settings.h: the settings as one table: defaults, a properties file, --set; checked, typed, and printed so that they read back. */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/properties.h"

#define SETTING_NOT_SET INT64_MIN

struct settings {
#define SECTION(title)
#define INTEGER(key, field, default_value, min, max, unit, help) int64_t field;
#define BOOLEAN(key, field, default_value, help) bool field;
#define CHOICE(key, field, default_value, choices, help) const char *field;
#define TEXT(key, field, default_value, help) const char *field;
#define SECRET(key, field, default_value, help) const char *field;
#define PREFIX(key, help)
#define IGNORED(key, why)
#include "server/settings.def"
#undef SECTION
#undef INTEGER
#undef BOOLEAN
#undef CHOICE
#undef TEXT
#undef SECRET
#undef PREFIX
#undef IGNORED
    struct properties values;  /* every setting with its effective value, in the table's order, then prefixed ones; owns the texts above */
    struct properties given;   /* only what a file or --set gave, as written */
    struct properties aliases; /* host.aliases taken apart */
};

enum setting_type {
    SETTING_SECTION,
    SETTING_INTEGER,
    SETTING_BOOLEAN,
    SETTING_CHOICE,
    SETTING_TEXT,
    SETTING_SECRET,
    SETTING_PREFIX,
    SETTING_IGNORED
};

struct setting {
    enum setting_type type;
    const char *key; /* of a section: its title */
    const char *default_value;
    int64_t min, max;    /* INTEGER */
    const char *unit;    /* INTEGER, "" when there is none */
    const char *choices; /* CHOICE, with commas */
    const char *help;
    size_t offset; /* of the member of struct settings */
};

/*
 * Where values come from, in the order in which they win: defaults, then the file, then the assignments.
 * config_path  NULL: no file
 * assignments  "key=value" each, as --set gives them
 * Errors  DISK (the file cannot be read), BAD_INPUT (names the setting, its value, where it was given and what it may be)
 */
struct settings_source {
    const char *config_path;
    const char *const *assignments;
    size_t assignment_count;
};
enum status settings_load(struct settings *settings, const struct settings_source *source, struct error *error);
void settings_finish(struct settings *settings); /* a zeroed struct is fine too */

/* Says in the log which given settings have no effect here, and why. */
void settings_warn_ignored(const struct settings *settings);

/* As a properties file with what each setting means; it reads back to the same settings. */
void settings_print(const struct settings *settings, struct buffer *out);

/* Every setting as the manual page tailrace-settings(5) in mdoc(7). */
void settings_manual(struct buffer *out);

/* The same as a JSON array; secrets masked. */
void settings_print_json(const struct settings *settings, struct buffer *out);

#endif
