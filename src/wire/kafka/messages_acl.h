/*
 * wire/kafka/messages_acl.h: access control lists.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_ACL_H
#define WIRE_KAFKA_MESSAGES_ACL_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- DescribeAclsRequest: versions 0 to 3, flexible from 2 ---- */

#define kafka_describe_acls_request_FIELDS(F, L, S, N, T)             \
    F(T, int8,   resource_type_filter, 0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, string, resource_name_filter, 0, LATEST, 0,     NIL, NO_TAG) \
    F(T, int8,   pattern_type_filter,  1, LATEST, NEVER, 3,   NO_TAG) \
    F(T, string, principal_filter,     0, LATEST, 0,     NIL, NO_TAG) \
    F(T, string, host_filter,          0, LATEST, 0,     NIL, NO_TAG) \
    F(T, int8,   operation,            0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int8,   permission_type,      0, LATEST, NEVER, 0,   NO_TAG)

/* ---- DescribeAclsResponse: versions 0 to 3, flexible from 2 ---- */

#define kafka_describe_acls_response_acl_FIELDS(F, L, S, N, T)     \
    F(T, string, principal,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, host,            0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int8,   operation,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int8,   permission_type, 0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_describe_acls_response_resource_FIELDS(F, L, S, N, T)                        \
    F(T, int8,                             resource_type, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                           resource_name, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int8,                             pattern_type,  1, LATEST, NEVER, 3,     NO_TAG) \
    L(T, kafka_describe_acls_response_acl, acls,          0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_acls_response_FIELDS(F, L, S, N, T)                                         \
    F(T, int32,                                 throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                 error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                error_message,    0, LATEST, 0,     NIL,   NO_TAG) \
    L(T, kafka_describe_acls_response_resource, resources,        0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- CreateAclsRequest: versions 0 to 3, flexible from 2 ---- */

#define kafka_create_acls_request_creation_FIELDS(F, L, S, N, T)         \
    F(T, int8,   resource_type,         0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string, resource_name,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int8,   resource_pattern_type, 1, LATEST, NEVER, 3,     NO_TAG) \
    F(T, string, principal,             0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, host,                  0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int8,   operation,             0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int8,   permission_type,       0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_create_acls_request_FIELDS(F, L, S, N, T)                                  \
    L(T, kafka_create_acls_request_creation, creations, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- CreateAclsResponse: versions 0 to 3, flexible from 2 ---- */

#define kafka_create_acls_response_result_FIELDS(F, L, S, N, T) \
    F(T, int16,  error_code,    0, LATEST, NEVER, 0,   NO_TAG)  \
    F(T, string, error_message, 0, LATEST, 0,     NIL, NO_TAG)

#define kafka_create_acls_response_FIELDS(F, L, S, N, T)                                       \
    F(T, int32,                             throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_create_acls_response_result, results,          0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- DeleteAclsRequest: versions 0 to 3, flexible from 2 ---- */

#define kafka_delete_acls_request_filter_FIELDS(F, L, S, N, T)        \
    F(T, int8,   resource_type_filter, 0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, string, resource_name_filter, 0, LATEST, 0,     NIL, NO_TAG) \
    F(T, int8,   pattern_type_filter,  1, LATEST, NEVER, 3,   NO_TAG) \
    F(T, string, principal_filter,     0, LATEST, 0,     NIL, NO_TAG) \
    F(T, string, host_filter,          0, LATEST, 0,     NIL, NO_TAG) \
    F(T, int8,   operation,            0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int8,   permission_type,      0, LATEST, NEVER, 0,   NO_TAG)

#define kafka_delete_acls_request_FIELDS(F, L, S, N, T)                              \
    L(T, kafka_delete_acls_request_filter, filters, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- DeleteAclsResponse: versions 0 to 3, flexible from 2 ---- */

#define kafka_delete_acls_response_matching_acl_FIELDS(F, L, S, N, T) \
    F(T, int16,  error_code,      0, LATEST, NEVER, 0,     NO_TAG)    \
    F(T, string, error_message,   0, LATEST, 0,     NIL,   NO_TAG)    \
    F(T, int8,   resource_type,   0, LATEST, NEVER, 0,     NO_TAG)    \
    F(T, string, resource_name,   0, LATEST, NEVER, EMPTY, NO_TAG)    \
    F(T, int8,   pattern_type,    1, LATEST, NEVER, 3,     NO_TAG)    \
    F(T, string, principal,       0, LATEST, NEVER, EMPTY, NO_TAG)    \
    F(T, string, host,            0, LATEST, NEVER, EMPTY, NO_TAG)    \
    F(T, int8,   operation,       0, LATEST, NEVER, 0,     NO_TAG)    \
    F(T, int8,   permission_type, 0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_delete_acls_response_filter_result_FIELDS(F, L, S, N, T)                            \
    F(T, int16,                                   error_code,    0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                  error_message, 0, LATEST, 0,     NIL,   NO_TAG) \
    L(T, kafka_delete_acls_response_matching_acl, matching_acls, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_delete_acls_response_FIELDS(F, L, S, N, T)                                              \
    F(T, int32,                                    throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_delete_acls_response_filter_result, filter_results,   0, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_ACL(MESSAGE, ITEM)                                    \
    MESSAGE(kafka_describe_acls_request, DescribeAclsRequest, 0, 3, 2)   \
    ITEM(kafka_describe_acls_response_acl)                               \
    ITEM(kafka_describe_acls_response_resource)                          \
    MESSAGE(kafka_describe_acls_response, DescribeAclsResponse, 0, 3, 2) \
    ITEM(kafka_create_acls_request_creation)                             \
    MESSAGE(kafka_create_acls_request, CreateAclsRequest, 0, 3, 2)       \
    ITEM(kafka_create_acls_response_result)                              \
    MESSAGE(kafka_create_acls_response, CreateAclsResponse, 0, 3, 2)     \
    ITEM(kafka_delete_acls_request_filter)                               \
    MESSAGE(kafka_delete_acls_request, DeleteAclsRequest, 0, 3, 2)       \
    ITEM(kafka_delete_acls_response_matching_acl)                        \
    ITEM(kafka_delete_acls_response_filter_result)                       \
    MESSAGE(kafka_delete_acls_response, DeleteAclsResponse, 0, 3, 2)

WIRE_KAFKA_ACL(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
