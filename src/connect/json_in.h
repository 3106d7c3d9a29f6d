/*
 * connect/json_in.h: reads the JSON of a request, and says what is wrong with it as Jackson does. Clients see these texts
 * with line and column, numbers keep the text they were written with, and members keep their order: three things that a
 * general JSON library does not give.
 */
#ifndef CONNECT_JSON_IN_H
#define CONNECT_JSON_IN_H

#include "base/arena.h"
#include "base/buffer.h"

enum node_kind { NODE_NULL, NODE_TRUE, NODE_FALSE, NODE_INTEGER, NODE_DECIMAL, NODE_STRING, NODE_ARRAY, NODE_OBJECT };

struct json_place {
    int line;      /* from 1 */
    size_t column; /* bytes, from 1 */
};

struct json {
    enum node_kind kind;
    struct slice name; /* of a member of an object; data NULL otherwise */
    struct slice text; /* of a string: decoded; of a number: as written. A NUL follows */
    struct json *first, *next;
    size_t count;          /* of items or members */
    struct json_place at;  /* of its first character */
    struct json_place end; /* of an array or object: behind its closing mark */
    bool torn;             /* the text is broken inside: what was read before that is here */
};

struct json_document {
    struct json *root; /* NULL when there is no value */
    bool broken;
    const char *problem;     /* Jackson's message, without the place */
    const char *trailing;    /* Jackson's name of a token behind the value; NULL when there is none */
    struct json_place where; /* of either */
};

enum { NODE_DEPTH_MAX = 1000 };

/* Everything lives in the arena. A broken text gives what was read up to there. */
void json_read(struct arena *arena, struct slice text, struct json_document *document);

const struct json *json_member(const struct json *object, const char *name); /* the last of that name, NULL when absent */

/* Writes it again without blanks, as Jackson would. */
void json_write(struct buffer *out, const struct json *json);

#endif
