/* wire/kafka/partitioner.h: which partition a key belongs to, as Kafka's Java clients have it. */
#ifndef WIRE_KAFKA_PARTITIONER_H
#define WIRE_KAFKA_PARTITIONER_H

#include "base/slice.h"

/* murmur2 with Kafka's seed. Source: apache/kafka, org.apache.kafka.common.utils.Utils.murmur2 */
uint32_t kafka_murmur2(struct slice bytes);

/* 0 to count - 1; count is at least 1. */
int32_t kafka_partition_for_key(struct slice key, int32_t count);

#endif
