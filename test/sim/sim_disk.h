/*
 * test/sim/sim_disk.h: a disk in memory that does no more than os/disk.h promises, from a seed. At a power cut it drops,
 * tears and reorders what was not synced: sectors of 512 bytes survive one by one, sizes and contents independently, names
 * in a directory up to some moment. It runs full, and it fails writes and syncs; a failed sync forgets bytes that the page
 * cache goes on showing, as Linux does.
 */
#ifndef TEST_SIM_DISK_H
#define TEST_SIM_DISK_H

#include "os/disk.h"

struct sim_disk;

struct sim_disk *sim_disk_create(uint64_t seed);
void sim_disk_destroy(struct sim_disk *sim);

struct disk *sim_disk_seam(struct sim_disk *sim);

/* After so many more calls that write, sync or change names, power is gone: every call then fails. -1: never */
void sim_disk_cut_after(struct sim_disk *sim, int64_t calls);
bool sim_disk_is_dead(const struct sim_disk *sim);

/* Only the process was killed: what it wrote is all there, though not yet durable. Open files are gone. */
void sim_disk_restart(struct sim_disk *sim);

/* Power is back: what the disk has kept is all there is. Open files are gone. */
void sim_disk_reboot(struct sim_disk *sim);

/* Of 10,000 writes, truncations, syncs and changes of names each, so many fail with EIO. */
void sim_disk_fail(struct sim_disk *sim, int writes, int syncs, int names);

/* Room for file contents, in bytes; -1: no limit. */
void sim_disk_limit(struct sim_disk *sim, int64_t bytes);
int64_t sim_disk_used(const struct sim_disk *sim);

/* Is called before every read, write and sync of a file; what it does to the disk itself comes back to it. NULL: nobody is. */
typedef void sim_disk_watcher(void *context, const char *path, bool is_read);
void sim_disk_watch(struct sim_disk *sim, sim_disk_watcher *watcher, void *context);

/* Changes a byte that is durable. False when the file is shorter. */
bool sim_disk_damage(struct sim_disk *sim, const char *path, int64_t position);

/* Calls so far that write, sync or change names. */
int64_t sim_disk_calls(const struct sim_disk *sim);

/* Random numbers for the test itself, from the same seed. */
uint64_t sim_random(struct sim_disk *sim, uint64_t below);

#endif
