/* base/error.h: what went wrong: a status for programs and one line for people. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

/* OK, and ERROR_<name> for each row of errors.def. */
enum status {
    OK,
#define E(name, text, kafka, http, exit, retriable) ERROR_##name,
#include "base/errors.def"
#undef E
    STATUS_COUNT
};

struct error {
    enum status status;
    char message[1024]; /* one line, no full stop at the end: "open segment 42.log: batch at byte 4096: checksum mismatch" */
};

/* Sets status and message, and returns the status, so `return error_set(error, ERROR_DISK, ...)` works. NULL error is fine. */
enum status error_set(struct error *error, enum status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with ": <strerror(error_number)>" behind; ENOSPC and EDQUOT turn ERROR_DISK into ERROR_DISK_FULL. */
enum status error_set_system(struct error *error, enum status status, int error_number, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "<context>: " before the message: each level says what it was doing. Cut at the end when too long. */
void error_context(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts what to do about it on a second line, behind '\n'; a remedy that is there already stays. */
void error_remedy(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Facts of a status, from the table. */
const char *status_name(enum status status); /* "UNKNOWN_TOPIC_OR_PARTITION"; "NONE" for OK */
const char *status_text(enum status status);
int16_t status_kafka_code(enum status status);
int status_http_code(enum status status);
int status_exit_code(enum status status);
bool status_is_retriable(enum status status);

/* The status of a Kafka error code; UNKNOWN_SERVER_ERROR for a code we do not know. */
enum status status_from_kafka_code(int16_t code);

#endif
