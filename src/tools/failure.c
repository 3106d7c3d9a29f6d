#include "tools/failure.h"

#include "base/banned.h"
#include "base/error.h"

#include <ctype.h>
#include <stdarg.h>

#define ERRORS_PACKAGE "org.apache.kafka.common.errors."

/* Error names whose class is not the name in camel case with Exception behind it. */
static const struct {
    const char *error;
    const char *class_name;
} irregular_classes[] = {
    {"CORRUPT_MESSAGE", "CorruptRecordException"},
    {"REQUEST_TIMED_OUT", "TimeoutException"},
    {"MESSAGE_TOO_LARGE", "RecordTooLargeException"},
    {"STALE_CONTROLLER_EPOCH", "ControllerMovedException"},
    {"OFFSET_METADATA_TOO_LARGE", "OffsetMetadataTooLarge"},
    {"NETWORK_EXCEPTION", "NetworkException"},
    {"INVALID_TOPIC_EXCEPTION", "InvalidTopicException"},
    {"RECORD_LIST_TOO_LARGE", "RecordBatchTooLargeException"},
    {"TOPIC_AUTHORIZATION_FAILED", "TopicAuthorizationException"},
    {"GROUP_AUTHORIZATION_FAILED", "GroupAuthorizationException"},
    {"CLUSTER_AUTHORIZATION_FAILED", "ClusterAuthorizationException"},
    {"TOPIC_ALREADY_EXISTS", "TopicExistsException"},
    {"INVALID_CONFIG", "InvalidConfigurationException"},
    {"OUT_OF_ORDER_SEQUENCE_NUMBER", "OutOfOrderSequenceException"},
    {"DUPLICATE_SEQUENCE_NUMBER", "DuplicateSequenceException"},
    {"INVALID_PRODUCER_ID_MAPPING", "InvalidPidMappingException"},
    {"INVALID_TRANSACTION_TIMEOUT", "InvalidTxnTimeoutException"},
    {"TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "TransactionalIdAuthorizationException"},
    {"KAFKA_STORAGE_ERROR", "KafkaStorageException"},
    {"SASL_AUTHENTICATION_FAILED", "SaslAuthenticationException"},
    {"DELEGATION_TOKEN_AUTH_DISABLED", "DelegationTokenDisabledException"},
    {"DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", "UnsupportedByAuthenticationException"},
    {"DELEGATION_TOKEN_AUTHORIZATION_FAILED", "DelegationTokenAuthorizationException"},
    {"NON_EMPTY_GROUP", "GroupNotEmptyException"},
    {"PRINCIPAL_DESERIALIZATION_FAILURE", "PrincipalDeserializationException"},
    {"FETCH_SESSION_TOPIC_ID_ERROR", "FetchSessionTopicIdException"},
    {"INVALID_REGULAR_EXPRESSION", "InvalidRegularExpression"},
    {"UNKNOWN_SERVER_ERROR", "UnknownServerException"},
};

static bool is_kafka_error_class(const char *class_name)
{
    return class_name != NULL && strncmp(class_name, ERRORS_PACKAGE, sizeof(ERRORS_PACKAGE) - 1) == 0;
}

static const char *file_base(const char *file)
{
    const char *slash = strrchr(file, '/');

    return slash == NULL ? file : slash + 1;
}

static struct failure *failure_new(struct arena *arena, const char *function, const char *file, int line, const char *class_name,
                                   const char *format, va_list arguments)
{
    struct failure *failure = arena_new(arena, sizeof(*failure));
    va_list again;
    int size;

    *failure = (struct failure){.class_name = class_name, .function = function, .file = file_base(file), .line = line};
    failure->is_api_error = is_kafka_error_class(class_name);
    if (format != NULL) {
        char *message;

        va_copy(again, arguments);
        size = vsnprintf(NULL, 0, format, again);
        va_end(again);
        message = arena_new(arena, (size_t)(size < 0 ? 0 : size) + 1);
        if (size > 0)
            (void)vsnprintf(message, (size_t)size + 1, format, arguments);
        failure->message = message;
    }
    return failure;
}

const struct failure *failure_make(struct arena *arena, const char *function, const char *file, int line, const char *class_name,
                                   const char *format, ...)
{
    struct failure *failure;
    va_list arguments;

    va_start(arguments, format);
    failure = failure_new(arena, function, file, line, class_name, format, arguments);
    va_end(arguments);
    return failure;
}

const struct failure *failure_make_caused(struct arena *arena, const char *function, const char *file, int line,
                                          const struct failure *cause, const char *class_name, const char *format, ...)
{
    struct failure *failure;
    va_list arguments;

    va_start(arguments, format);
    failure = failure_new(arena, function, file, line, class_name, format, arguments);
    va_end(arguments);
    failure->cause = cause;
    failure->kafka_code = cause->kafka_code;
    return failure;
}

const struct failure *failure_make_wrapped(struct arena *arena, const char *function, const char *file, int line, const char *class_name,
                                           const struct failure *cause)
{
    return failure_make_caused(arena, function, file, line, cause, class_name, "%s", failure_text(arena, cause));
}

/* "org.apache.kafka.common.errors.TopicExistsException" of error code 36. Source: Kafka's Errors. */
static const char *failure_class_of_code(struct arena *arena, int16_t code)
{
    const char *name = status_name(status_from_kafka_code(code));
    char camel[128];
    size_t size = 0;
    bool starts_word = true;

    for (size_t i = 0; i < sizeof(irregular_classes) / sizeof(irregular_classes[0]); i++) {
        if (strcmp(irregular_classes[i].error, name) == 0)
            return arena_format(arena, ERRORS_PACKAGE "%s", irregular_classes[i].class_name);
    }
    for (; *name != '\0' && size < sizeof(camel) - 1; name++) {
        if (*name == '_') {
            starts_word = true;
        } else {
            camel[size++] = starts_word ? *name : (char)tolower((unsigned char)*name);
            starts_word = false;
        }
    }
    camel[size] = '\0';
    return arena_format(arena, ERRORS_PACKAGE "%sException", camel);
}

const struct failure *failure_from_kafka(struct arena *arena, int16_t code, struct slice message)
{
    struct failure *failure = arena_new(arena, sizeof(*failure));

    *failure = (struct failure){.class_name = failure_class_of_code(arena, code), .kafka_code = code, .is_api_error = true};
    failure->message = message.size > 0 ? arena_copy_string(arena, message) : status_text(status_from_kafka_code(code));
    return failure;
}

const char *failure_text(struct arena *arena, const struct failure *failure)
{
    return failure->message == NULL ? failure->class_name : arena_format(arena, "%s: %s", failure->class_name, failure->message);
}

const char *failure_message(const struct failure *failure)
{
    return failure->message == NULL ? "null" : failure->message;
}

void failure_print(FILE *out, const struct failure *failure)
{
    for (const char *before = ""; failure != NULL; failure = failure->cause, before = "Caused by: ") {
        (void)fprintf(out, "%s%s", before, failure->class_name == NULL ? "wrong usage" : failure->class_name);
        if (failure->message != NULL)
            (void)fprintf(out, ": %s", failure->message);
        (void)fputc('\n', out);
        if (!failure->is_api_error && failure->function != NULL)
            (void)fprintf(out, "\tat %s (%s:%d)\n", failure->function, failure->file, failure->line);
    }
}
