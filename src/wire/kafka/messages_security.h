/*
 * wire/kafka/messages_security.h: logging in, and the credentials for it.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_SECURITY_H
#define WIRE_KAFKA_MESSAGES_SECURITY_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- SaslHandshakeRequest: versions 0 to 1, never flexible ---- */

#define kafka_sasl_handshake_request_FIELDS(F, L, S, N, T)   \
    F(T, string, mechanism, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- SaslHandshakeResponse: versions 0 to 1, never flexible ---- */

#define kafka_sasl_handshake_response_FIELDS(F, L, S, N, T)         \
    F(T, int16,        error_code, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string_array, mechanisms, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- SaslAuthenticateRequest: versions 0 to 2, flexible from 2 ---- */

#define kafka_sasl_authenticate_request_FIELDS(F, L, S, N, T) \
    F(T, bytes, auth_bytes, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- SaslAuthenticateResponse: versions 0 to 2, flexible from 2 ---- */

#define kafka_sasl_authenticate_response_FIELDS(F, L, S, N, T)         \
    F(T, int16,  error_code,          0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string, error_message,       0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, bytes,  auth_bytes,          0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int64,  session_lifetime_ms, 1, LATEST, NEVER, 0,     NO_TAG)

/* ---- DescribeUserScramCredentialsRequest: version 0, flexible ---- */

#define kafka_describe_user_scram_credentials_request_user_FIELDS(F, L, S, N, T) \
    F(T, string, name, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_user_scram_credentials_request_FIELDS(F, L, S, N, T)                    \
    L(T, kafka_describe_user_scram_credentials_request_user, users, 0, LATEST, 0, NIL, NO_TAG)

/* ---- DescribeUserScramCredentialsResponse: version 0, flexible ---- */

#define kafka_describe_user_scram_credentials_response_credential_info_FIELDS(F, L, S, N, T) \
    F(T, int8,  mechanism,  0, LATEST, NEVER, 0, NO_TAG)                                     \
    F(T, int32, iterations, 0, LATEST, NEVER, 0, NO_TAG)

#define kafka_describe_user_scram_credentials_response_result_FIELDS(F, L, S, N, T)                                         \
    F(T, string,                                                         user,             0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int16,                                                          error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                                         error_message,    0, LATEST, 0,     NIL,   NO_TAG) \
    L(T, kafka_describe_user_scram_credentials_response_credential_info, credential_infos, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_user_scram_credentials_response_FIELDS(F, L, S, N, T)                                       \
    F(T, int32,                                                 throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                                 error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                                error_message,    0, LATEST, 0,     NIL,   NO_TAG) \
    L(T, kafka_describe_user_scram_credentials_response_result, results,          0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- AlterUserScramCredentialsRequest: version 0, flexible ---- */

#define kafka_alter_user_scram_credentials_request_deletion_FIELDS(F, L, S, N, T) \
    F(T, string, name,      0, LATEST, NEVER, EMPTY, NO_TAG)                      \
    F(T, int8,   mechanism, 0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_alter_user_scram_credentials_request_upsertion_FIELDS(F, L, S, N, T) \
    F(T, string, name,            0, LATEST, NEVER, EMPTY, NO_TAG)                 \
    F(T, int8,   mechanism,       0, LATEST, NEVER, 0,     NO_TAG)                 \
    F(T, int32,  iterations,      0, LATEST, NEVER, 0,     NO_TAG)                 \
    F(T, bytes,  salt,            0, LATEST, NEVER, EMPTY, NO_TAG)                 \
    F(T, bytes,  salted_password, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_alter_user_scram_credentials_request_FIELDS(F, L, S, N, T)                                    \
    L(T, kafka_alter_user_scram_credentials_request_deletion,  deletions,  0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_alter_user_scram_credentials_request_upsertion, upsertions, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- AlterUserScramCredentialsResponse: version 0, flexible ---- */

#define kafka_alter_user_scram_credentials_response_result_FIELDS(F, L, S, N, T) \
    F(T, string, user,          0, LATEST, NEVER, EMPTY, NO_TAG)                 \
    F(T, int16,  error_code,    0, LATEST, NEVER, 0,     NO_TAG)                 \
    F(T, string, error_message, 0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_alter_user_scram_credentials_response_FIELDS(F, L, S, N, T)                                       \
    F(T, int32,                                              throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_alter_user_scram_credentials_response_result, results,          0, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_SECURITY(MESSAGE, ITEM)                                                                 \
    MESSAGE(kafka_sasl_handshake_request, SaslHandshakeRequest, 0, 1, NEVER)                               \
    MESSAGE(kafka_sasl_handshake_response, SaslHandshakeResponse, 0, 1, NEVER)                             \
    MESSAGE(kafka_sasl_authenticate_request, SaslAuthenticateRequest, 0, 2, 2)                             \
    MESSAGE(kafka_sasl_authenticate_response, SaslAuthenticateResponse, 0, 2, 2)                           \
    ITEM(kafka_describe_user_scram_credentials_request_user)                                               \
    MESSAGE(kafka_describe_user_scram_credentials_request, DescribeUserScramCredentialsRequest, 0, 0, 0)   \
    ITEM(kafka_describe_user_scram_credentials_response_credential_info)                                   \
    ITEM(kafka_describe_user_scram_credentials_response_result)                                            \
    MESSAGE(kafka_describe_user_scram_credentials_response, DescribeUserScramCredentialsResponse, 0, 0, 0) \
    ITEM(kafka_alter_user_scram_credentials_request_deletion)                                              \
    ITEM(kafka_alter_user_scram_credentials_request_upsertion)                                             \
    MESSAGE(kafka_alter_user_scram_credentials_request, AlterUserScramCredentialsRequest, 0, 0, 0)         \
    ITEM(kafka_alter_user_scram_credentials_response_result)                                               \
    MESSAGE(kafka_alter_user_scram_credentials_response, AlterUserScramCredentialsResponse, 0, 0, 0)

WIRE_KAFKA_SECURITY(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
