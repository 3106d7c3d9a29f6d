/* handle_rest.c: what one node without authorizer, quotas and transactions has little to say about. */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "wire/kafka/messages_acl.h"
#include "wire/kafka/messages_cluster.h"
#include "wire/kafka/messages_quota.h"
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
