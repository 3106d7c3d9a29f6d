/*
 * connect/findings.h: what a check of a database, a configuration or this machine found: how bad it is, what it is, why it matters
 * and what to do, so that `tailrace doctor` and the console say the same.
 */
#ifndef CONNECT_FINDINGS_H
#define CONNECT_FINDINGS_H

#include "base/arena.h"
#include "base/buffer.h"

enum finding_code {
#define FINDING(code, title, why) FINDING_##code,
#include "connect/findings.def"
#undef FINDING
    FINDING_CODES
};

enum finding_state { FINDING_IS_OK, FINDING_IS_INFO, FINDING_IS_WARN, FINDING_IS_ERROR };

/* Texts are borrowed or live in the arena of the list; those without a comment are never NULL. */
struct finding {
    enum finding_code code;
    enum finding_state state;
    const char *subject;  /* what was looked at: a connector, a directory; NULL: nothing in particular */
    const char *title;    /* a few words */
    const char *found;    /* what was found, in a sentence or a value; NULL: the title says it */
    const char *property; /* of the configuration, that it is about; NULL: none */

    /* The remedies; each may be NULL. */
    const char *todo;      /* in words */
    const char *sql;       /* one statement a line; "--" begins a note */
    const char *command;   /* for a shell */
    const char *set_key, *set_value; /* a property, and what to set it to; value NULL: take it out */
    bool is_safe;          /* the SQL may be run after asking: it neither restarts, drops nor rewrites anything */
};

/* In the order they were made. */
struct findings {
    struct arena *arena;
    struct finding **items;
    size_t count, capacity;
    const char *subject; /* of those that are added from now on; NULL: none */
};

void findings_init(struct findings *findings, struct arena *arena);

/*
 * Adds one with the title of its code; the caller goes on to fill in the rest of it.
 * format  of `found`; NULL: nothing
 */
struct finding *findings_add(struct findings *findings, enum finding_code code, enum finding_state state, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The first of a code; NULL when there is none. */
const struct finding *findings_find(const struct findings *findings, enum finding_code code);
size_t findings_count(const struct findings *findings, enum finding_state state);

const char *finding_code_name(enum finding_code code);   /* "wal_level" */
const char *finding_why(enum finding_code code);         /* why it matters; NULL: the title says it */
const char *finding_state_name(enum finding_state state); /* "ok", "info", "warn", "error" */

/* 1610612736 as "1.5 GiB", in the arena. */
const char *bytes_text(struct arena *arena, int64_t bytes);

/* Names with commas between, at most `shown` of them and then how many more there are. */
struct name_list {
    struct buffer text;
    size_t count, shown;
};
void name_list_init(struct name_list *list, size_t shown);
void name_list_add(struct name_list *list, const char *name);
const char *name_list_end(struct name_list *list, struct arena *arena); /* finishes it; NULL when there is none */

#endif
