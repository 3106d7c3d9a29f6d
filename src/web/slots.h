/*
 * web/slots.h: asks every connector's database every few seconds how far its log is, and what its replication slots keep: WAL
 * that a slot keeps fills a disk some day. A thread of its own, so a database that does not answer holds up nobody.
 */
#ifndef WEB_SLOTS_H
#define WEB_SLOTS_H

#include "base/error.h"
#include "base/properties.h"
#include "connect/connect.h"

#include <jansson.h>

struct slots;
struct databases;

/* Errors: LIMIT (no thread). */
enum status slots_start(struct connect *connect, struct databases *databases, struct slots **started, struct error *error);
void slots_stop(struct slots *slots);    /* asks nobody any more. NULL is fine */
void slots_destroy(struct slots *slots); /* NULL is fine */

/* All slots that are known, as the console's overview has them; a new reference. Thread: any. */
json_t *slots_list(struct slots *slots);

/* What the databases' state calls for, as checks_list gives it, and which of them do not answer; a new reference. Thread: any. */
json_t *slots_findings(struct slots *slots);

/* The setting wal.headroom.bytes; 0: not known. Thread: any. */
void slots_set_headroom(struct slots *slots, int64_t bytes);

struct slot_facts {
    bool known;
    uint64_t server_lsn;
    int64_t wal_bytes;      /* that the connector's slot keeps; -1 unknown */
    int64_t lag_ms;         /* how long the server has been beyond `received_lsn`; -1 unknown */
    char server_version[32];
    bool is_silent;         /* its server does not answer */
};

/* What is known of a connector's database. Thread: any. */
void slots_facts(struct slots *slots, const char *connector, uint64_t received_lsn, struct slot_facts *facts);

#endif
