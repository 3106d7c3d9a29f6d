/* os/tree.h: whole directories: removed, and made durable. */
#ifndef OS_TREE_H
#define OS_TREE_H

#include "base/error.h"

/* Removes a directory with all that is in it; symbolic links are removed, not followed. OK when there is none. */
enum status tree_remove(const char *path, struct error *error);

/*
 * Syncs every file and directory below `path`, and itself, by several threads: the file system then joins what it would otherwise do one
 * after the other, so that a thousand files take as long as a few.
 * Errors  DISK, LIMIT (no thread)
 */
enum status tree_sync(const char *path, int threads, struct error *error);

#endif
