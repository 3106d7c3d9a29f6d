/*
 * broker/coordinator.h: all consumer groups and their offsets, kept in memory as __consumer_offsets says, and written there
 * before anything is confirmed. Thread: network, but for creating and destroying.
 */
#ifndef BROKER_COORDINATOR_H
#define BROKER_COORDINATOR_H

#include "base/map.h"
#include "broker/deadline.h"
#include "broker/group.h"
#include "store/store.h"

#define OFFSETS_TOPIC "__consumer_offsets"

struct broker;
struct coordinator;
struct write;

struct committed_offset {
    int64_t offset;
    int32_t leader_epoch;  /* -1: unknown */
    struct slice metadata; /* owned */
    int64_t committed_at_ms;
    int64_t expires_at_ms; /* -1: by the broker's retention */
    struct uuid topic_id;  /* zero: unknown */
};

/* A group with its offsets. */
struct coordinated {
    struct coordinator *coordinator;
    struct group *group;
    struct map offsets; /* offset_key -> struct committed_offset */
    struct deadline tick;
    struct write *writes; /* under way: it stays until they are answered */
    size_t counted_members;
};

/*
 * Reads all groups back from the log.
 * Errors  DISK; records that cannot be read are said in the log and left out
 */
enum status coordinator_create(struct broker *broker, struct coordinator **created, struct error *error);
void coordinator_destroy(struct coordinator *coordinator); /* NULL is fine */

/* How __consumer_offsets is made. `config` is initialised here and has to be finished. */
void coordinator_offsets_spec(struct broker *broker, struct topic_spec *spec, struct properties *config);

/* Is __consumer_offsets there? Otherwise groups cannot be changed yet. */
bool coordinator_is_ready(struct coordinator *coordinator);

/*
 * Has __consumer_offsets made when it is missing, and calls back when that is over (at once when it is there).
 * status  OK or why it could not be made
 */
typedef void coordinator_ready(void *context, enum status status);
void coordinator_make_ready(struct coordinator *coordinator, coordinator_ready *ready, void *context);

struct coordinated *coordinator_find(struct coordinator *coordinator, struct slice group_id); /* NULL when there is none */
struct coordinated *coordinator_add(struct coordinator *coordinator, struct slice group_id);  /* must not be there */
const struct map *coordinator_groups(const struct coordinator *coordinator);                  /* group id -> struct coordinated */

/* To be called after every change of a group: sets its clock, counts its members. */
void coordinator_group_changed(struct coordinated *coordinated);

/* Writes the group's metadata record without waiting for it, as Kafka does when a group appears. */
void coordinator_group_write(struct coordinated *coordinated);

/* Answers of groups to those who wait; handle_groups.c. */
void group_joined(void *context, void *waiter, const struct group_join_answer *answer);
void group_synced(void *context, void *waiter, const struct group_sync_answer *answer);

/* ---- Offsets ---- */

/* Topic and partition as the key of a map; `bytes` has room for 32771. */
void offset_key_split(struct slice key, struct slice *topic, int32_t *partition);

const struct committed_offset *coordinated_offset(const struct coordinated *coordinated, struct slice topic, int32_t partition);

struct offset_change {
    struct slice topic;
    int32_t partition;
    bool remove;
    struct committed_offset value; /* metadata borrowed until the call returns */
};

/* Called when the change is durable and visible, or failed. Thread: network. */
typedef void coordinator_written(void *context, enum status status);

/* Changes offsets of a group. */
void coordinator_offsets_write(struct coordinated *coordinated, const struct offset_change *changes, size_t count,
                               coordinator_written *written, void *context);

/* Removes a group that has no members, with its offsets. It is gone for everybody at once. */
void coordinator_group_remove(struct coordinated *coordinated, coordinator_written *written, void *context);

/* A topic was deleted: so are its offsets. */
void coordinator_topic_deleted(struct coordinator *coordinator, struct slice topic);

#endif
