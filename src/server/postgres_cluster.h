/*
 * server/postgres_cluster.h: the files and processes of a private PostgreSQL: where its programs are, how its directory is made,
 * how a server is started in it, and whether one runs there. postgres.h supervises it.
 */
#ifndef SERVER_POSTGRES_CLUSTER_H
#define SERVER_POSTGRES_CLUSTER_H

#include "os/process.h"
#include "server/postgres.h"

#include <limits.h>

#define SOCKET_PATH_MAX 108 /* of struct sockaddr_un, with the NUL */

struct postgres_cluster {
    struct postgres_settings settings; /* borrowed texts */
    char directory[PATH_MAX];
    char bin[PATH_MAX];                     /* directory of the programs */
    char socket_directory[SOCKET_PATH_MAX]; /* as clients name it */
    bool socket_is_inside;                  /* in the directory itself, which the server names "." */
    bool changes_user;                      /* we are root, it is not */
    struct process_user user;
    int log; /* postgres.log */
};

/* Errors: NOT_FOUND (no programs, no user), DISK. Finish it also when this failed. */
enum status postgres_cluster_init(struct postgres_cluster *cluster, const struct postgres_settings *settings, struct error *error);
void postgres_cluster_finish(struct postgres_cluster *cluster);

bool postgres_cluster_exists(const struct postgres_cluster *cluster);

/* Starts initdb in postgres.new/; when it has exited with 0, the second one gives the directory its settings and its name. */
enum status postgres_cluster_create(struct postgres_cluster *cluster, struct process *initdb, struct error *error);
enum status postgres_cluster_create_end(struct postgres_cluster *cluster, struct error *error);

enum status postgres_cluster_start(struct postgres_cluster *cluster, struct process *server, struct error *error);

/* Does the server with this process id say that it accepts connections? */
bool postgres_cluster_is_ready(const struct postgres_cluster *cluster, pid_t pid);

/* The server that runs in <data_dir>/postgres; 0 when none does. */
pid_t postgres_cluster_server(const char *data_dir);

/* Does it listen where the settings want it? */
bool postgres_cluster_server_fits(const struct postgres_cluster *cluster);

/* The last complaint in the log, for a message; "" when there is none. */
void postgres_cluster_complaint(const struct postgres_cluster *cluster, char *text, size_t size);

#endif
