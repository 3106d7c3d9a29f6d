#include "tools/configs.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/text.h"
#include "os/random.h"
#include "wire/json/number.h"
#include "wire/kafka/messages_quota.h"
#include "wire/kafka/messages_security.h"

#include <openssl/evp.h>

#define SALT_BYTES 16
#define ITERATIONS_DEFAULT 4096
#define ITERATIONS_MIN 4096
#define NUMBER_TEXT_BYTES 32
#define CODE_RESOURCE_NOT_FOUND 91

enum { MATCH_EXACT = 0, MATCH_DEFAULT = 1, MATCH_ANY = 2 };
enum { SCRAM_SHA_256 = 1, SCRAM_SHA_512 = 2 };

/* ---- Names ---- */

static const char *quota_type(const char *type)
{
    return strcmp(type, "users") == 0 ? "user" : strcmp(type, "clients") == 0 ? "client-id" : "ip";
}

static bool name_in(struct slice name, const char *const *names)
{
    while (*names != NULL && !slice_equal_string(name, *names))
        names++;
    return *names != NULL;
}

static bool is_quota(struct slice name)
{
    static const char *const names[] = {"producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate", NULL};

    return name_in(name, names);
}

static bool is_ip_quota(struct slice name)
{
    return slice_equal_string(name, "connection_creation_rate");
}

static int8_t scram_mechanism(struct slice name)
{
    return slice_equal_string(name, "SCRAM-SHA-256") ? SCRAM_SHA_256 : slice_equal_string(name, "SCRAM-SHA-512") ? SCRAM_SHA_512 : 0;
}

static const char *mechanism_name(int8_t mechanism)
{
    return mechanism == SCRAM_SHA_256 ? "SCRAM-SHA-256" : mechanism == SCRAM_SHA_512 ? "SCRAM-SHA-512" : "UNKNOWN";
}

/* ---- Describing quotas ---- */

static void components_fill(struct configs *tool, struct kafka_describe_client_quotas_request *request)
{
    request->components.items = arena_new_array(tool->arena, tool->type_count, sizeof(*request->components.items));
    request->components.count = (int32_t)tool->type_count;
    request->strict = true;
    for (size_t i = 0; i < tool->type_count; i++) {
        struct kafka_describe_client_quotas_request_component *component = &request->components.items[i];
        const char *name = i < tool->name_count ? tool->names[i] : NULL;

        wire_init_defaults(&kafka_describe_client_quotas_request_component_message, component);
        component->entity_type = slice_from_string(quota_type(tool->types[i]));
        component->match_type = name == NULL ? MATCH_ANY : *name == '\0' ? MATCH_DEFAULT : MATCH_EXACT;
        component->match = component->match_type == MATCH_EXACT ? slice_from_string(name) : slice_null();
    }
}

static const char *entity_text(struct configs *tool, const struct kafka_describe_client_quotas_response_entry *entry)
{
    static const struct {
        const char *type, *shown;
    } kinds[] = {{"user", "user-principal"}, {"client-id", "client-id"}, {"ip", "ip"}};
    const char *text = "";

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        for (int32_t j = 0; j < entry->entity.count; j++) {
            struct slice name = entry->entity.items[j].entity_name;
            const char *separator = *text == '\0' ? "" : ", ";

            if (!slice_equal_string(entry->entity.items[j].entity_type, kinds[i].type))
                continue;
            if (slice_is_null(name))
                text = arena_format(tool->arena, "%s%sthe default %s", text, separator, kinds[i].shown);
            else
                text = arena_format(tool->arena, "%s%s%s '%.*s'", text, separator, kinds[i].shown, (int)name.size, (const char *)name.data);
        }
    }
    return text;
}

static void quota_print(struct configs *tool, const struct kafka_describe_client_quotas_response_entry *entry)
{
    uint32_t *hashes = arena_new_array(tool->arena, (size_t)entry->values.count + 1, sizeof(*hashes));
    size_t *order;

    for (int32_t i = 0; i < entry->values.count; i++)
        hashes[i] = java_hash_code(entry->values.items[i].key);
    order = java_map_order_new(tool->arena, hashes, (size_t)entry->values.count, (size_t)entry->values.count);
    (void)printf("Quota configs for %s are ", entity_text(tool, entry));
    for (int32_t i = 0; i < entry->values.count; i++) {
        const struct kafka_describe_client_quotas_response_value *value = &entry->values.items[order[i]];
        uint8_t number[NUMBER_TEXT_BYTES];
        size_t size = number_write_double(number, value->value);

        (void)printf("%s%.*s=%.*s", i == 0 ? "" : ", ", (int)value->key.size, (const char *)value->key.data, (int)size, (const char *)number);
    }
    (void)putchar('\n');
}

static const struct failure *quotas_print(struct configs *tool)
{
    struct kafka_describe_client_quotas_request request;
    struct kafka_describe_client_quotas_response response;
    const struct failure *failure;

    wire_init_defaults(&kafka_describe_client_quotas_request_message, &request);
    components_fill(tool, &request);
    failure = client_call(tool->client, CLIENT_ANY, "describeClientQuotas", KAFKA_DESCRIBE_CLIENT_QUOTAS, &request, &response, tool->arena);
    if (failure == NULL && response.error_code != 0)
        failure = failure_from_kafka(tool->arena, response.error_code, response.error_message);
    if (failure != NULL)
        return failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
    for (int32_t i = 0; i < response.entries.count; i++)
        quota_print(tool, &response.entries.items[i]);
    return NULL;
}

/* ---- Describing credentials ---- */

static void credentials_print(struct configs *tool, const struct kafka_describe_user_scram_credentials_response_result *user)
{
    if (user->error_code == CODE_RESOURCE_NOT_FOUND)
        return;
    if (user->error_code != 0) {
        const struct failure *failure = failure_from_kafka(tool->arena, user->error_code, user->error_message);
        const char *dot = strrchr(failure->class_name, '.');

        (void)printf("Error retrieving SCRAM credential configs for user-principal '%.*s': %s: %s\n", (int)user->user.size,
                     (const char *)user->user.data, dot == NULL ? failure->class_name : dot + 1, failure_message(failure));
        return;
    }
    (void)printf("SCRAM credential configs for user-principal '%.*s' are ", (int)user->user.size, (const char *)user->user.data);
    for (int32_t i = 0; i < user->credential_infos.count; i++)
        (void)printf("%s%s=iterations=%d", i == 0 ? "" : ", ", mechanism_name(user->credential_infos.items[i].mechanism),
                     user->credential_infos.items[i].iterations);
    (void)putchar('\n');
}

static const struct failure *credentials_describe(struct configs *tool)
{
    struct kafka_describe_user_scram_credentials_request request;
    struct kafka_describe_user_scram_credentials_request_user user;
    struct kafka_describe_user_scram_credentials_response response;
    const struct failure *failure;

    wire_init_defaults(&kafka_describe_user_scram_credentials_request_message, &request);
    request.users.count = -1;
    if (tool->name_count > 0) {
        wire_init_defaults(&kafka_describe_user_scram_credentials_request_user_message, &user);
        user.name = slice_from_string(tool->names[0]);
        request.users.items = &user;
        request.users.count = 1;
    }
    failure = client_call(tool->client, CLIENT_ANY, "describeUserScramCredentials", KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS, &request, &response,
                          tool->arena);
    if (failure == NULL && response.error_code != 0)
        failure = failure_from_kafka(tool->arena, response.error_code, response.error_message);
    if (failure != NULL)
        return failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
    for (int32_t i = 0; i < response.results.count; i++)
        credentials_print(tool, &response.results.items[i]);
    return NULL;
}

const struct failure *configs_quota_describe(struct configs *tool)
{
    const struct failure *failure = quotas_print(tool);
    bool has_default = false;

    for (size_t i = 0; i < tool->name_count; i++)
        has_default = has_default || *tool->names[i] == '\0';
    if (failure == NULL && configs_has_type(tool, "users") && !configs_has_type(tool, "clients") && !has_default)
        failure = credentials_describe(tool);
    return failure;
}

/* ---- Altering quotas ---- */

static void entity_fill(struct configs *tool, struct kafka_alter_client_quotas_request_entry *entry)
{
    entry->entity.items = arena_new_array(tool->arena, tool->type_count, sizeof(*entry->entity.items));
    entry->entity.count = (int32_t)tool->type_count;
    for (size_t i = 0; i < tool->type_count; i++) {
        wire_init_defaults(&kafka_alter_client_quotas_request_entity_message, &entry->entity.items[i]);
        entry->entity.items[i].entity_type = slice_from_string(quota_type(tool->types[i]));
        entry->entity.items[i].entity_name = *tool->names[i] == '\0' ? slice_null() : slice_from_string(tool->names[i]);
    }
}

static const struct failure *ops_fill(struct configs *tool, struct kafka_alter_client_quotas_request_entry *entry)
{
    size_t count = 0;

    entry->ops.items = arena_new_array(tool->arena, tool->added_count + tool->deleted_count + 1, sizeof(*entry->ops.items));
    for (size_t i = 0; i < tool->added_count; i++) {
        struct kafka_alter_client_quotas_request_op *op = &entry->ops.items[count++];
        const struct config_pair *pair = &tool->added[i];

        wire_init_defaults(&kafka_alter_client_quotas_request_op_message, op);
        op->key = pair->name;
        if (!text_parse_double(pair->value, &op->value))
            return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Cannot parse quota configuration value for %.*s: %.*s", (int)pair->name.size,
                              (const char *)pair->name.data, (int)pair->value.size, (const char *)pair->value.data);
    }
    for (size_t i = 0; i < tool->deleted_count; i++) {
        struct kafka_alter_client_quotas_request_op *op = &entry->ops.items[count++];

        wire_init_defaults(&kafka_alter_client_quotas_request_op_message, op);
        op->key = tool->deleted[i];
        op->remove = true;
    }
    entry->ops.count = (int32_t)count;
    return NULL;
}

static const struct failure *quotas_alter(struct configs *tool)
{
    struct kafka_alter_client_quotas_request request;
    struct kafka_alter_client_quotas_request_entry entry;
    struct kafka_alter_client_quotas_response response;
    const struct failure *failure;

    wire_init_defaults(&kafka_alter_client_quotas_request_message, &request);
    wire_init_defaults(&kafka_alter_client_quotas_request_entry_message, &entry);
    entity_fill(tool, &entry);
    failure = ops_fill(tool, &entry);
    if (failure != NULL)
        return failure;
    request.entries.items = &entry;
    request.entries.count = 1;
    failure = client_call(tool->client, CLIENT_CONTROLLER, "alterClientQuotas", KAFKA_ALTER_CLIENT_QUOTAS, &request, &response, tool->arena);
    for (int32_t i = 0; failure == NULL && i < response.entries.count; i++) {
        if (response.entries.items[i].error_code != 0)
            failure = failure_from_kafka(tool->arena, response.entries.items[i].error_code, response.entries.items[i].error_message);
    }
    return failure == NULL ? NULL : failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
}

/* ---- Altering credentials ---- */

/* "iterations=8192,password=secret" or "password=secret" */
static const struct failure *credential_parse(struct configs *tool, const struct config_pair *pair, int32_t *iterations, struct slice *password)
{
    struct slice text = pair->value;
    const char *prefix = "iterations=";
    size_t prefix_size = strlen(prefix);
    bool is_right = true;

    *iterations = ITERATIONS_DEFAULT;
    if (text.size > prefix_size && memcmp(text.data, prefix, prefix_size) == 0) {
        struct slice number;

        text = slice_from(text, prefix_size);
        is_right = text_next_field(&text, ',', &number) && text_parse_int32(number, iterations);
        if (*iterations == -1)
            *iterations = ITERATIONS_DEFAULT;
    }
    is_right = is_right && text.size >= 9 && memcmp(text.data, "password=", 9) == 0;
    if (!is_right)
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Invalid credential property %.*s", (int)pair->name.size,
                          (const char *)pair->name.data);
    if (*iterations < ITERATIONS_MIN)
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Iterations %d is less than the minimum %d required for %.*s", *iterations,
                          ITERATIONS_MIN, (int)pair->name.size, (const char *)pair->name.data);
    *password = slice_from(text, 9);
    return NULL;
}

static const struct failure *upsertion_fill(struct configs *tool, const struct config_pair *pair,
                                            struct kafka_alter_user_scram_credentials_request_upsertion *upsertion)
{
    struct slice password;
    uint8_t *salt = arena_new(tool->arena, SALT_BYTES);
    int8_t mechanism = scram_mechanism(pair->name);
    size_t size = mechanism == SCRAM_SHA_256 ? 32 : 64;
    uint8_t *salted = arena_new(tool->arena, size);
    const struct failure *failure;

    wire_init_defaults(&kafka_alter_user_scram_credentials_request_upsertion_message, upsertion);
    failure = credential_parse(tool, pair, &upsertion->iterations, &password);
    if (failure != NULL)
        return failure;
    random_bytes(salt, SALT_BYTES);
    if (PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.size, salt, SALT_BYTES, upsertion->iterations,
                          mechanism == SCRAM_SHA_256 ? EVP_sha256() : EVP_sha512(), (int)size, salted) != 1)
        return failure_of(tool->arena, FAILURE_RUNTIME, "the password could not be hashed");
    upsertion->name = slice_from_string(tool->names[0]);
    upsertion->mechanism = mechanism;
    upsertion->salt = slice_of(salt, SALT_BYTES);
    upsertion->salted_password = slice_of(salted, size);
    return NULL;
}

static const struct failure *credentials_alter(struct configs *tool)
{
    struct kafka_alter_user_scram_credentials_request request;
    struct kafka_alter_user_scram_credentials_response response;
    const struct failure *failure = NULL;

    wire_init_defaults(&kafka_alter_user_scram_credentials_request_message, &request);
    request.upsertions.items = arena_new_array(tool->arena, tool->added_count + 1, sizeof(*request.upsertions.items));
    request.deletions.items = arena_new_array(tool->arena, tool->deleted_count + 1, sizeof(*request.deletions.items));
    for (size_t i = 0; i < tool->added_count && failure == NULL; i++)
        failure = upsertion_fill(tool, &tool->added[i], &request.upsertions.items[request.upsertions.count++]);
    for (size_t i = 0; i < tool->deleted_count; i++) {
        wire_init_defaults(&kafka_alter_user_scram_credentials_request_deletion_message, &request.deletions.items[i]);
        request.deletions.items[i].name = slice_from_string(tool->names[0]);
        request.deletions.items[i].mechanism = scram_mechanism(tool->deleted[i]);
    }
    request.deletions.count = (int32_t)tool->deleted_count;
    if (failure != NULL)
        return failure;
    failure = client_call(tool->client, CLIENT_CONTROLLER, "alterUserScramCredentials", KAFKA_ALTER_USER_SCRAM_CREDENTIALS, &request, &response,
                          tool->arena);
    for (int32_t i = 0; failure == NULL && i < response.results.count; i++) {
        if (response.results.items[i].error_code != 0)
            failure = failure_from_kafka(tool->arena, response.results.items[i].error_code, response.results.items[i].error_message);
    }
    return failure == NULL ? NULL : failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
}

/* ---- What may be altered ---- */

/* "Set(a, b)" of the names that `accepts` does not know; NULL when it knows all. */
static const char *unknown_names(struct configs *tool, bool is_added, bool (*accepts)(struct slice))
{
    size_t count = is_added ? tool->added_count : tool->deleted_count;
    const char *list = NULL;

    for (size_t i = 0; i < count; i++) {
        struct slice name = is_added ? tool->added[i].name : tool->deleted[i];

        if (accepts(name))
            continue;
        list = list == NULL ? arena_format(tool->arena, "%.*s", (int)name.size, (const char *)name.data)
                            : arena_format(tool->arena, "%s, %.*s", list, (int)name.size, (const char *)name.data);
    }
    return list;
}

static bool is_quota_or_scram(struct slice name)
{
    return is_quota(name) || scram_mechanism(name) != 0;
}

static const struct failure *refuse_unknown(struct configs *tool, const char *what, const char *type, bool (*accepts)(struct slice))
{
    const char *added = unknown_names(tool, true, accepts);
    const char *deleted = unknown_names(tool, false, accepts);

    if (added == NULL && deleted == NULL)
        return NULL;
    return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT,
                      added != NULL ? "Only %s configs can be %s for '%s' using --bootstrap-server. Unexpected config names: Set(%s)"
                                    : "Only %s configs can be %s for '%s' using --bootstrap-server. Unexpected config names: List(%s)",
                      what, added != NULL ? "added" : "deleted", type, added != NULL ? added : deleted);
}

static bool any_scram(const struct configs *tool, bool *has_quota)
{
    bool found = false;

    *has_quota = false;
    for (size_t i = 0; i < tool->added_count + tool->deleted_count; i++) {
        struct slice name = i < tool->added_count ? tool->added[i].name : tool->deleted[i - tool->added_count];

        found = found || scram_mechanism(name) != 0;
        *has_quota = *has_quota || is_quota(name);
    }
    return found;
}

static const struct failure *users_alter(struct configs *tool)
{
    bool has_quota;
    const struct failure *failure = refuse_unknown(tool, "quota and SCRAM credential", "users", is_quota_or_scram);

    if (failure != NULL)
        return failure;
    if (!any_scram(tool, &has_quota))
        return quotas_alter(tool);
    if (*tool->names[0] == '\0')
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT,
                          "The use of --entity-default or --user-defaults is not allowed with User SCRAM Credentials using --bootstrap-server.");
    if (has_quota)
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT,
                          "Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using --bootstrap-server.");
    return credentials_alter(tool);
}

const struct failure *configs_quota_alter(struct configs *tool)
{
    const struct failure *failure;

    if (configs_has_type(tool, "ips")) {
        failure = refuse_unknown(tool, "connection quota", "ips", is_ip_quota);
        return failure != NULL ? failure : quotas_alter(tool);
    }
    if (!configs_has_type(tool, "clients"))
        return users_alter(tool);
    failure = refuse_unknown(tool, "quota", "clients", is_quota);
    return failure != NULL ? failure : quotas_alter(tool);
}
