/*
 * compare/subject.h: the table of one comparison, and what belongs to it in the database. All of it has one fixed name per database, so
 * that the next run removes what a killed one left behind; an advisory lock keeps two from running at once.
 */
#ifndef COMPARE_SUBJECT_H
#define COMPARE_SUBJECT_H

#include "generators/database.h"

#include <libpq-fe.h>
#include <stdint.h>

#define TABLE_SCHEMA "tailrace_compare" /* and the publication's name */
#define TABLE_NAME TABLE_SCHEMA ".changes"

struct subject {
    PGconn *connection; /* keeps the lock */
    char slot[64];
    char server[64]; /* "15.15" */
    int64_t rows;    /* ids 1 to this one, all in version 1 */
};

/* Takes the lock, removes leftovers, makes the table with `rows` rows, and the publication. Errors: DATABASE, CONFLICT (another runs) */
enum status subject_create(const struct database *database, int64_t rows, struct subject *subject, struct error *error);

/* One more row, which tells when the stream has begun. */
enum status subject_add_row(struct subject *subject, struct error *error);

/* The walsender that serves our slot; 0: none does. */
enum status subject_walsender(struct subject *subject, int64_t *pid, struct error *error);

/* Removes everything; tries as hard as it can. Errors: DATABASE: what is left, and how to remove it */
enum status subject_drop(const struct database *database, struct subject *subject, struct error *error);

/* A connection with our name on it. */
enum status subject_connect(const struct database *database, PGconn **connection, struct error *error);

/* Rows of a query; NULL with the error set. Clear it. */
PGresult *subject_query(PGconn *connection, const char *sql, const char *doing, struct error *error);

#endif
