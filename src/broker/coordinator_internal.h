/* broker/coordinator_internal.h: what coordinator.c and coordinator_load.c share. */
#ifndef BROKER_COORDINATOR_INTERNAL_H
#define BROKER_COORDINATOR_INTERNAL_H

#include "broker/coordinator.h"

#define OFFSET_KEY_VERSION 1
#define GROUP_KEY_VERSION 2

/* Takes a change over into memory. */
void coordinated_offset_apply(struct coordinated *coordinated, const struct offset_change *change);

/* Takes a group out of the coordinator and frees it, without a record. */
void coordinator_forget(struct coordinated *coordinated);

/* Reads every partition of the topic. Errors: DISK. */
enum status coordinator_load(struct coordinator *coordinator, struct topic *topic, struct error *error);

#endif
