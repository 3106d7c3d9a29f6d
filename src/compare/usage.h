/* compare/usage.h: what a process took so far, from /proc. */
#ifndef COMPARE_USAGE_H
#define COMPARE_USAGE_H

#include <libpq-fe.h>
#include <stdint.h>

/* CPU time (ms) and peak of resident memory (kB) of a process; -1 when there is none of this id. */
int64_t process_cpu_ms(int64_t pid);
int64_t process_peak_kb(int64_t pid);

/* The same of a process of the server that the connection leads to; -1 when it does not run on this machine. */
int64_t backend_cpu_ms(PGconn *connection, int64_t pid);

#endif
