/* agents/rule_settings.h: a rule's own settings as a table: listed, read, checked, and unknown ones refused by name. */
#ifndef AGENTS_RULE_SETTINGS_H
#define AGENTS_RULE_SETTINGS_H

#include "base/decimal.h"
#include "base/error.h"
#include "base/properties.h"
#include "wire/debezium/change.h"

enum rule_setting_kind { RULE_INTEGER, RULE_DECIMAL, RULE_TEXT };

struct rule_setting {
    const char *key;
    enum rule_setting_kind kind;
    size_t offset;       /* in the rule: an int64_t, struct decimal, or char * (owned by the rule: memory_free) */
    const char *initial; /* as it would be written; NULL: not set */
    int64_t min, max;    /* RULE_INTEGER; of RULE_DECIMAL only that it is not negative */
    const char *help;
};

/* The two members of a rule_kind that tell its settings. */
#define RULE_SETTINGS(rows) .settings = rows, .setting_count = sizeof(rows) / sizeof(rows[0])

struct rule_kind;

/*
 * Every rule also takes scale.COLUMN=DIGITS, for messages without a schema: the column's decimals are bytes in base64 there, and nothing
 * says how many digits stand behind their point. Errors: BAD_INPUT: no number of digits
 */
enum status rule_settings_scales(const struct properties *settings, struct change_decoder *decoder, struct error *error);

/* Fills all settings of its kind, in a rule of zeros. Errors: BAD_INPUT: which setting, what it may be, or the nearest one's name. */
enum status rule_settings_read(const struct rule_kind *kind, const struct properties *settings, void *rule, struct error *error);

#endif
