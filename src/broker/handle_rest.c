/* handle_rest.c: what one node without authorizer, quotas, SASL and transactions has little to say about. */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "wire/kafka/messages_acl.h"
#include "wire/kafka/messages_cluster.h"
#include "wire/kafka/messages_quota.h"
#include "wire/kafka/messages_security.h"
#include "wire/kafka/messages_transaction.h"

/* ---- ACLs: everything is allowed to everybody ---- */

void handle_describe_acls(struct request *request)
{
    struct kafka_describe_acls_response response = {.error_code = CODE(SECURITY_DISABLED),
                                                    .error_message = slice_from_string("No Authorizer is configured on the broker")};

    request_answer(request, &response);
}

void handle_create_acls(struct request *request)
{
    const struct kafka_create_acls_request *asked = request->decoded;
    struct kafka_create_acls_response response = {0};

    response.results.count = asked->creations.count;
    response.results.items = arena_new_array(&request->arena, (size_t)asked->creations.count, sizeof(*response.results.items));
    for (int32_t i = 0; i < asked->creations.count; i++) {
        response.results.items[i].error_code = CODE(SECURITY_DISABLED);
        response.results.items[i].error_message = slice_from_string("No Authorizer is configured.");
    }
    request_answer(request, &response);
}

void handle_delete_acls(struct request *request)
{
    const struct kafka_delete_acls_request *asked = request->decoded;
    struct kafka_delete_acls_response response = {0};

    response.filter_results.count = asked->filters.count;
    response.filter_results.items = arena_new_array(&request->arena, (size_t)asked->filters.count, sizeof(*response.filter_results.items));
    for (int32_t i = 0; i < asked->filters.count; i++) {
        response.filter_results.items[i].error_code = CODE(SECURITY_DISABLED);
        response.filter_results.items[i].error_message = slice_from_string("No Authorizer is configured.");
    }
    request_answer(request, &response);
}

/* ---- Quotas: there are none ---- */

void handle_describe_client_quotas(struct request *request)
{
    struct kafka_describe_client_quotas_response response = {0};

    request_answer(request, &response);
}

/* To set one is refused; to remove one that is not there is fine, as it is in Kafka. */
void handle_alter_client_quotas(struct request *request)
{
    const struct kafka_alter_client_quotas_request *asked = request->decoded;
    struct kafka_alter_client_quotas_response response = {0};

    response.entries.count = asked->entries.count;
    response.entries.items = arena_new_array(&request->arena, (size_t)asked->entries.count, sizeof(*response.entries.items));
    for (int32_t i = 0; i < asked->entries.count; i++) {
        const struct kafka_alter_client_quotas_request_entry *entry = &asked->entries.items[i];
        struct kafka_alter_client_quotas_response_entry *out = &response.entries.items[i];

        out->entity.count = entry->entity.count;
        out->entity.items = arena_new_array(&request->arena, (size_t)entry->entity.count, sizeof(*out->entity.items));
        for (int32_t j = 0; j < entry->entity.count; j++) {
            out->entity.items[j].entity_type = entry->entity.items[j].entity_type;
            out->entity.items[j].entity_name = entry->entity.items[j].entity_name;
        }
        for (int32_t j = 0; j < entry->ops.count; j++) {
            if (entry->ops.items[j].remove)
                continue;
            out->error_code = CODE(INVALID_REQUEST);
            out->error_message = slice_from_string("Tailrace has no quotas: clients are not throttled. Nothing was changed.");
        }
    }
    request_answer(request, &response);
}

/* ---- Credentials: nobody logs in ---- */

void handle_describe_user_scram_credentials(struct request *request)
{
    const struct kafka_describe_user_scram_credentials_request *asked = request->decoded;
    struct kafka_describe_user_scram_credentials_response response = {0};
    int32_t count = asked->users.count > 0 ? asked->users.count : 0; /* null or empty: all, and there are none */

    response.results.count = count;
    response.results.items = arena_new_array(&request->arena, (size_t)count, sizeof(*response.results.items));
    for (int32_t i = 0; i < count; i++) {
        struct slice name = asked->users.items[i].name;

        response.results.items[i].user = name;
        response.results.items[i].error_code = CODE(RESOURCE_NOT_FOUND);
        response.results.items[i].error_message =
            request_format(request, "Attempt to describe a user credential that does not exist: %.*s", (int)name.size, (const char *)name.data);
    }
    request_answer(request, &response);
}

void handle_alter_user_scram_credentials(struct request *request)
{
    const struct kafka_alter_user_scram_credentials_request *asked = request->decoded;
    struct kafka_alter_user_scram_credentials_response response = {0};
    size_t room = (size_t)asked->deletions.count + (size_t)asked->upsertions.count;
    struct kafka_alter_user_scram_credentials_response_result *out = arena_new_array(&request->arena, room, sizeof(*out));

    response.results.items = out;
    for (int32_t i = 0; i < asked->deletions.count; i++, response.results.count++) {
        out[response.results.count].user = asked->deletions.items[i].name;
        out[response.results.count].error_code = CODE(RESOURCE_NOT_FOUND);
        out[response.results.count].error_message = slice_from_string("Attempt to delete a user credential that does not exist");
    }
    for (int32_t i = 0; i < asked->upsertions.count; i++, response.results.count++) {
        out[response.results.count].user = asked->upsertions.items[i].name;
        out[response.results.count].error_code = CODE(UNSUPPORTED_SASL_MECHANISM);
        out[response.results.count].error_message =
            slice_from_string("Tailrace has no SASL: nobody logs in, so there are no credentials. Nothing was changed.");
    }
    request_answer(request, &response);
}

/* ---- Leaders and replicas: there is one of each ---- */

static void elect_topic(struct request *request, struct slice name, const wire_int32_array *partitions,
                        struct kafka_elect_leaders_response_topic *out)
{
    struct topic *topic = store_topic_find(request->broker->store, name);

    out->topic = name;
    out->partition_result.count = partitions->count;
    out->partition_result.items = arena_new_array(&request->arena, (size_t)partitions->count, sizeof(*out->partition_result.items));
    for (int32_t i = 0; i < partitions->count; i++) {
        bool there = topic != NULL && topic_partition(topic, partitions->items[i]) != NULL;

        out->partition_result.items[i] = (struct kafka_elect_leaders_response_partition){
            .partition_id = partitions->items[i],
            .error_code = there ? CODE(ELECTION_NOT_NEEDED) : CODE(UNKNOWN_TOPIC_OR_PARTITION),
            .error_message = slice_from_string(there ? "Leader election not needed for topic partition." : "No such topic or partition."),
        };
    }
    if (topic != NULL)
        topic_release(topic);
}

void handle_elect_leaders(struct request *request)
{
    const struct kafka_elect_leaders_request *asked = request->decoded;
    struct kafka_elect_leaders_response response = {0};

    if (asked->topic_partitions.count > 0) { /* for all of them: only those that changed are named, and none did */
        response.replica_election_results.count = asked->topic_partitions.count;
        response.replica_election_results.items =
            arena_new_array(&request->arena, (size_t)asked->topic_partitions.count, sizeof(*response.replica_election_results.items));
        for (int32_t i = 0; i < asked->topic_partitions.count; i++)
            elect_topic(request, asked->topic_partitions.items[i].topic, &asked->topic_partitions.items[i].partitions,
                        &response.replica_election_results.items[i]);
    }
    request_answer(request, &response);
}

/* The replica that there is, is where it can be; nothing else can be reached. */
static void reassignment_judge(struct request *request, struct partition *partition, const wire_int32_array *replicas,
                               struct kafka_alter_partition_reassignments_response_partition *out)
{
    int32_t node_id = request->broker->numbers.node_id;

    if (partition == NULL) {
        out->error_code = CODE(UNKNOWN_TOPIC_OR_PARTITION);
        out->error_message = slice_from_string("Unable to find partition.");
    } else if (replicas->count < 0) {
        out->error_code = CODE(NO_REASSIGNMENT_IN_PROGRESS);
    } else if (replicas->count == 0) {
        out->error_code = CODE(INVALID_REPLICA_ASSIGNMENT);
        out->error_message = slice_from_string("The manual partition assignment includes an empty replica list.");
    } else if (replicas->count > 1 || replicas->items[0] != node_id) {
        out->error_code = CODE(INVALID_REPLICA_ASSIGNMENT);
        out->error_message = request_format(request, "The manual partition assignment includes a broker that is not there: this is one node, %d.", node_id);
    }
}

void handle_alter_partition_reassignments(struct request *request)
{
    const struct kafka_alter_partition_reassignments_request *asked = request->decoded;
    struct kafka_alter_partition_reassignments_response response = {
        .allow_replication_factor_change = asked->allow_replication_factor_change};

    response.responses.count = asked->topics.count;
    response.responses.items = arena_new_array(&request->arena, (size_t)asked->topics.count, sizeof(*response.responses.items));
    for (int32_t i = 0; i < asked->topics.count; i++) {
        const struct kafka_alter_partition_reassignments_request_topic *of = &asked->topics.items[i];
        struct kafka_alter_partition_reassignments_response_topic *out = &response.responses.items[i];
        struct topic *topic = store_topic_find(request->broker->store, of->name);

        out->name = of->name;
        out->partitions.count = of->partitions.count;
        out->partitions.items = arena_new_array(&request->arena, (size_t)of->partitions.count, sizeof(*out->partitions.items));
        for (int32_t j = 0; j < of->partitions.count; j++) {
            int32_t index = of->partitions.items[j].partition_index;

            out->partitions.items[j].partition_index = index;
            reassignment_judge(request, topic == NULL ? NULL : topic_partition(topic, index), &of->partitions.items[j].replicas,
                               &out->partitions.items[j]);
        }
        if (topic != NULL)
            topic_release(topic);
    }
    request_answer(request, &response);
}

void handle_list_partition_reassignments(struct request *request)
{
    struct kafka_list_partition_reassignments_response response = {0};

    request_answer(request, &response);
}

/* ---- Transactions: there are none ---- */

void handle_list_transactions(struct request *request)
{
    struct kafka_list_transactions_response response = {0};

    request_answer(request, &response);
}

void handle_describe_transactions(struct request *request)
{
    const struct kafka_describe_transactions_request *asked = request->decoded;
    struct kafka_describe_transactions_response response = {0};

    response.transaction_states.count = asked->transactional_ids.count;
    response.transaction_states.items =
        arena_new_array(&request->arena, (size_t)asked->transactional_ids.count, sizeof(*response.transaction_states.items));
    for (int32_t i = 0; i < asked->transactional_ids.count; i++) {
        response.transaction_states.items[i] = (struct kafka_describe_transactions_response_transaction_state){
            .error_code = CODE(TRANSACTIONAL_ID_NOT_FOUND),
            .transactional_id = asked->transactional_ids.items[i],
            .transaction_state = slice_of("", 0),
        };
    }
    request_answer(request, &response);
}
