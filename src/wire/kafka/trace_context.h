/*
 * wire/kafka/trace_context.h: the trace context that OpenTelemetry's producers put into record headers, so that what comes of a
 * record can be told to be of the same trace. Source: W3C Trace Context, "traceparent" and "tracestate" headers.
 */
#ifndef WIRE_KAFKA_TRACE_CONTEXT_H
#define WIRE_KAFKA_TRACE_CONTEXT_H

#include "wire/kafka/records.h"

#define TRACEPARENT_BYTES_MAX 128
#define TRACESTATE_BYTES_MAX 512

struct trace_context {
    struct slice parent; /* data NULL: there is none */
    struct slice state;  /* data NULL: none, or no parent */
};

/* Of a record's headers; borrowed from it. What is not well-formed is as if it were not there. */
struct trace_context trace_context_of(const struct record *record);

/* The same of two values, null or not, from wherever. Safe to put into an HTTP header afterwards. */
struct trace_context trace_context_check(struct slice parent, struct slice state);

/* As headers of a record that comes of it: room for 2. Gives how many. */
size_t trace_context_headers(const struct trace_context *context, struct record_header *headers);

#endif
