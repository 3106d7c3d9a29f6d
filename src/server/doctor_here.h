/*
 * server/doctor_here.h: what `tailrace doctor` sees of this machine: the data directory, its file system, ports and limits.
 * Looking gives facts; judging makes findings of facts, and is pure.
 */
#ifndef SERVER_DOCTOR_HERE_H
#define SERVER_DOCTOR_HERE_H

#include "connect/findings.h"
#include "os/socket.h"
#include "server/settings.h"

#include <jansson.h>
#include <sys/types.h>

#define HERE_PORTS_MAX 16

struct here_port {
    const char *setting;
    struct socket_address address;
    bool is_free;
    pid_t owner;       /* who listens there; 0: nobody, or it cannot be seen */
    const char *name;  /* of that program; "" not known */
    int instead;       /* a port beside it that is free; 0: none was looked for, or found */
    const char *why;   /* why it cannot be listened on, when nobody does; NULL: it can */
};

struct here_facts {
    const char *data_dir;      /* absolute, when it is there */
    const char *settings_problem; /* NULL: they are well */
    int look_failed;           /* errno of looking at the directory; ENOENT: it will be made. 0: it is there */
    const char *parent;        /* where it will be made */
    bool may_write;            /* the directory, or its parent */
    const char *owner, *user;  /* of the directory; who we are */
    bool owner_differs, open_to_others;
    const char *filesystem;    /* "ext4"; NULL: not known */
    const char *doubt;         /* why a file system is none to rely on; NULL: no doubt */
    bool loses_syncs;          /* the doubt is about syncs and locks, not about a restart */
    bool is_read_only_mount;
    int64_t free_bytes, total_bytes, free_inodes; /* -1: not known */

    pid_t running;             /* the program on this directory; 0: none */
    bool answers;              /* it gave its description */
    bool was_killed;           /* the last one did not stop by itself */
    bool has_log;              /* records have been kept here */
    bool degraded;
    int64_t read_only_partitions, partitions; /* -1: not known */

    struct here_port ports[HERE_PORTS_MAX];
    size_t port_count;
    int64_t files_max, files_open; /* of the running program, or of one started from here; open -1: nothing runs */
    int64_t memory_free_bytes;     /* that the system, or our control group, can still give; -1: not known */
};

/*
 * settings     what the program would be started with
 * problem      why they are refused; then only the data directory is looked at. NULL: they are well
 * description  what the running program says of itself; NULL: none runs, or it does not answer
 */
void here_look(const struct settings *settings, const char *problem, const char *data_dir, const json_t *description, struct arena *arena, struct here_facts *facts);
void here_judge(const struct here_facts *facts, struct findings *findings);

/*
 * Reads every batch of a topic's files and checks it, whether a program runs or not. Reads much: as much as the topic has.
 * Errors  NOT_FOUND (no such topic here: names the nearest), DISK
 */
enum status topic_look(const char *data_dir, const char *topic, bool is_running, struct findings *findings, struct error *error);

#endif
