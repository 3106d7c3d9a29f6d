/*
 * connect/bind.h: what the bodies of requests mean: a connector to create, a map of strings, a list of offsets. What does
 * not fit is refused with the message that Jackson gives to Connect's classes.
 */
#ifndef CONNECT_BIND_H
#define CONNECT_BIND_H

#include "base/properties.h"
#include "connect/json_in.h"

enum target_state { TARGET_STARTED, TARGET_PAUSED, TARGET_STOPPED };

/* The body of POST /connectors. */
struct create_request {
    bool present; /* false: the body was empty or null, and nothing below is set */
    char *name;   /* NULL: none; memory of the arena */
    bool has_config;
    struct properties config; /* the caller finishes it, in any case */
    bool has_initial_state;
    enum target_state initial_state;
};

/* One item of PATCH …/offsets. */
struct offset_change {
    const struct json *partition; /* NULL: none or null */
    const struct json *offset;    /* NULL: none or null, which removes */
};

struct offset_changes {
    bool present;
    struct offset_change *items; /* memory of the arena; NULL when "offsets" is missing or null */
    size_t count;
};

/*
 * All of these give NULL, or the message of what is wrong (memory of the arena).
 * body  may be empty, which reads as null
 */
const char *bind_create(struct arena *arena, struct slice body, struct create_request *request);
const char *bind_map(struct arena *arena, struct slice body, bool *present, struct properties *map);
const char *bind_offsets(struct arena *arena, struct slice body, struct offset_changes *changes);

#endif
