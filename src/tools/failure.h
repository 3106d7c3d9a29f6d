/*
 * tools/failure.h: what went wrong, in the words of Apache's tools, which print Java exceptions: a class, a message and the chain of causes.
 *
 * Functions of this folder that can fail return a `const struct failure *`: NULL means that it worked. Failures live in the arena
 * they were made in, so nobody frees one.
 */
#ifndef TOOLS_FAILURE_H
#define TOOLS_FAILURE_H

#include "base/arena.h"

#include <stdio.h>

struct failure {
    const char *class_name; /* "java.lang.IllegalArgumentException"; NULL: wrong usage, shown with the list of options */
    const char *message;    /* NULL when there is none */
    const struct failure *cause;
    const char *function; /* where in this program it arose; stands where Java prints its stack. NULL: printed without a stack */
    const char *file;
    int line;
    int16_t kafka_code; /* of an error that a broker answered, else 0 */
    bool is_api_error;  /* one of Kafka's own errors: printed without a stack */
};

#define FAILURE_ILLEGAL_ARGUMENT "java.lang.IllegalArgumentException"
#define FAILURE_EXECUTION "java.util.concurrent.ExecutionException"
#define FAILURE_RUNTIME "java.lang.RuntimeException"
#define FAILURE_NO_SUCH_FILE "java.nio.file.NoSuchFileException"
#define FAILURE_KAFKA "org.apache.kafka.common.KafkaException"
#define FAILURE_CONFIG "org.apache.kafka.common.config.ConfigException"
#define FAILURE_TIMEOUT "org.apache.kafka.common.errors.TimeoutException"

/* A failure of a Java class; a NULL format leaves it without a message. */
#define failure_of(arena, class_name, ...) failure_make(arena, __func__, __FILE__, __LINE__, class_name, __VA_ARGS__)

/* Wrong usage: the message goes to stderr with the options behind it. */
#define failure_usage(arena, ...) failure_make(arena, __func__, __FILE__, __LINE__, NULL, __VA_ARGS__)

/* The same class and message in a new failure that names `cause` as its cause. */
#define failure_caused(arena, cause, class_name, ...) \
    failure_make_caused(arena, __func__, __FILE__, __LINE__, cause, class_name, __VA_ARGS__)

/* As a Java future hands on what went wrong in it: "<class of cause>: <message of cause>", caused by `cause`. */
#define failure_wrap(arena, class_name, cause) failure_make_wrapped(arena, __func__, __FILE__, __LINE__, class_name, cause)

const struct failure *failure_make(struct arena *arena, const char *function, const char *file, int line, const char *class_name,
                                   const char *format, ...) __attribute__((format(printf, 6, 7)));
const struct failure *failure_make_caused(struct arena *arena, const char *function, const char *file, int line,
                                          const struct failure *cause, const char *class_name, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
const struct failure *failure_make_wrapped(struct arena *arena, const char *function, const char *file, int line, const char *class_name,
                                           const struct failure *cause);

/* The exception of a Kafka error code; a null or empty message gives the text that Kafka has for the code. */
const struct failure *failure_from_kafka(struct arena *arena, int16_t code, struct slice message);

/* "<class>: <message>", or the class alone. */
const char *failure_text(struct arena *arena, const struct failure *failure);

/* The message, "null" when there is none: what Java prints of getMessage(). */
const char *failure_message(const struct failure *failure);

/* Class and message, the place it arose, then the causes, each on lines of its own. */
void failure_print(FILE *out, const struct failure *failure);

#endif
