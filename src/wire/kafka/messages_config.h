/*
 * wire/kafka/messages_config.h: settings of topics, brokers and other resources.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_CONFIG_H
#define WIRE_KAFKA_MESSAGES_CONFIG_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- DescribeConfigsRequest: versions 0 to 4, flexible from 4 ---- */

#define kafka_describe_configs_request_resource_FIELDS(F, L, S, N, T)       \
    F(T, int8,         resource_type,      0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,       resource_name,      0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string_array, configuration_keys, 0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_describe_configs_request_FIELDS(F, L, S, N, T)                                              \
    L(T, kafka_describe_configs_request_resource, resources,             0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bool,                                    include_synonyms,      1, LATEST, NEVER, false, NO_TAG) \
    F(T, bool,                                    include_documentation, 3, LATEST, NEVER, false, NO_TAG)

/* ---- DescribeConfigsResponse: versions 0 to 4, flexible from 4 ---- */

#define kafka_describe_configs_response_synonym_FIELDS(F, L, S, N, T) \
    F(T, string, name,   0, LATEST, NEVER, EMPTY, NO_TAG)             \
    F(T, string, value,  0, LATEST, 0,     NIL,   NO_TAG)             \
    F(T, int8,   source, 0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_describe_configs_response_config_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                  name,          0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                  value,         0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, bool,                                    read_only,     0, LATEST, NEVER, false, NO_TAG) \
    F(T, bool,                                    is_default,    0, 0,      NEVER, false, NO_TAG) \
    F(T, int8,                                    config_source, 1, LATEST, NEVER, -1,    NO_TAG) \
    F(T, bool,                                    is_sensitive,  0, LATEST, NEVER, false, NO_TAG) \
    L(T, kafka_describe_configs_response_synonym, synonyms,      1, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int8,                                    config_type,   3, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                  documentation, 3, LATEST, 3,     NIL,   NO_TAG)

#define kafka_describe_configs_response_result_FIELDS(F, L, S, N, T)                             \
    F(T, int16,                                  error_code,    0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                 error_message, 0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int8,                                   resource_type, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                 resource_name, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_describe_configs_response_config, configs,       0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_configs_response_FIELDS(F, L, S, N, T)                                       \
    F(T, int32,                                  throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_describe_configs_response_result, results,          0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- AlterConfigsRequest: versions 0 to 2, flexible from 2 ---- */

#define kafka_alter_configs_request_config_FIELDS(F, L, S, N, T) \
    F(T, string, name,  0, LATEST, NEVER, EMPTY, NO_TAG)         \
    F(T, string, value, 0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_alter_configs_request_resource_FIELDS(F, L, S, N, T)                           \
    F(T, int8,                               resource_type, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                             resource_name, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_alter_configs_request_config, configs,       0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_alter_configs_request_FIELDS(F, L, S, N, T)                                      \
    L(T, kafka_alter_configs_request_resource, resources,     0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bool,                                 validate_only, 0, LATEST, NEVER, false, NO_TAG)

/* ---- AlterConfigsResponse: versions 0 to 2, flexible from 2 ---- */

#define kafka_alter_configs_response_resource_FIELDS(F, L, S, N, T) \
    F(T, int16,  error_code,    0, LATEST, NEVER, 0,     NO_TAG)    \
    F(T, string, error_message, 0, LATEST, 0,     NIL,   NO_TAG)    \
    F(T, int8,   resource_type, 0, LATEST, NEVER, 0,     NO_TAG)    \
    F(T, string, resource_name, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_alter_configs_response_FIELDS(F, L, S, N, T)                                         \
    F(T, int32,                                 throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_alter_configs_response_resource, responses,        0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- IncrementalAlterConfigsRequest: versions 0 to 1, flexible from 1 ---- */

#define kafka_incremental_alter_configs_request_config_FIELDS(F, L, S, N, T) \
    F(T, string, name,             0, LATEST, NEVER, EMPTY, NO_TAG)          \
    F(T, int8,   config_operation, 0, LATEST, NEVER, 0,     NO_TAG)          \
    F(T, string, value,            0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_incremental_alter_configs_request_resource_FIELDS(F, L, S, N, T)                           \
    F(T, int8,                                           resource_type, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                         resource_name, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_incremental_alter_configs_request_config, configs,       0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_incremental_alter_configs_request_FIELDS(F, L, S, N, T)                                      \
    L(T, kafka_incremental_alter_configs_request_resource, resources,     0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bool,                                             validate_only, 0, LATEST, NEVER, false, NO_TAG)

/* ---- IncrementalAlterConfigsResponse: versions 0 to 1, flexible from 1 ---- */

#define kafka_incremental_alter_configs_response_resource_FIELDS(F, L, S, N, T) \
    F(T, int16,  error_code,    0, LATEST, NEVER, 0,     NO_TAG)                \
    F(T, string, error_message, 0, LATEST, 0,     NIL,   NO_TAG)                \
    F(T, int8,   resource_type, 0, LATEST, NEVER, 0,     NO_TAG)                \
    F(T, string, resource_name, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_incremental_alter_configs_response_FIELDS(F, L, S, N, T)                                         \
    F(T, int32,                                             throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_incremental_alter_configs_response_resource, responses,        0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ListConfigResourcesRequest: versions 0 to 1, flexible ---- */

#define kafka_list_config_resources_request_FIELDS(F, L, S, N, T)     \
    F(T, int8_array, resource_types, 1, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ListConfigResourcesResponse: versions 0 to 1, flexible ---- */

#define kafka_list_config_resources_response_config_resource_FIELDS(F, L, S, N, T) \
    F(T, string, resource_name, 0, LATEST, NEVER, EMPTY, NO_TAG)                   \
    F(T, int8,   resource_type, 1, LATEST, NEVER, 16,    NO_TAG)

#define kafka_list_config_resources_response_FIELDS(F, L, S, N, T)                                                \
    F(T, int32,                                                throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                                error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_list_config_resources_response_config_resource, config_resources, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_CONFIG(MESSAGE, ITEM)                                                        \
    ITEM(kafka_describe_configs_request_resource)                                               \
    MESSAGE(kafka_describe_configs_request, DescribeConfigsRequest, 0, 4, 4)                    \
    ITEM(kafka_describe_configs_response_synonym)                                               \
    ITEM(kafka_describe_configs_response_config)                                                \
    ITEM(kafka_describe_configs_response_result)                                                \
    MESSAGE(kafka_describe_configs_response, DescribeConfigsResponse, 0, 4, 4)                  \
    ITEM(kafka_alter_configs_request_config)                                                    \
    ITEM(kafka_alter_configs_request_resource)                                                  \
    MESSAGE(kafka_alter_configs_request, AlterConfigsRequest, 0, 2, 2)                          \
    ITEM(kafka_alter_configs_response_resource)                                                 \
    MESSAGE(kafka_alter_configs_response, AlterConfigsResponse, 0, 2, 2)                        \
    ITEM(kafka_incremental_alter_configs_request_config)                                        \
    ITEM(kafka_incremental_alter_configs_request_resource)                                      \
    MESSAGE(kafka_incremental_alter_configs_request, IncrementalAlterConfigsRequest, 0, 1, 1)   \
    ITEM(kafka_incremental_alter_configs_response_resource)                                     \
    MESSAGE(kafka_incremental_alter_configs_response, IncrementalAlterConfigsResponse, 0, 1, 1) \
    MESSAGE(kafka_list_config_resources_request, ListConfigResourcesRequest, 0, 1, 0)           \
    ITEM(kafka_list_config_resources_response_config_resource)                                  \
    MESSAGE(kafka_list_config_resources_response, ListConfigResourcesResponse, 0, 1, 0)

WIRE_KAFKA_CONFIG(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
