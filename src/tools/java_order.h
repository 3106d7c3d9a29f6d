/* tools/java_order.h: the order in which a Java HashMap gives its keys back; Apache's tools print several things in it. */
#ifndef TOOLS_JAVA_ORDER_H
#define TOOLS_JAVA_ORDER_H

#include "base/arena.h"

/* String.hashCode of a UTF-8 text. */
int32_t java_text_hash(struct slice text);

/* hashCode of Kafka's TopicPartition. */
int32_t java_partition_hash(struct slice topic, int32_t partition);

/*
 * The positions of keys in the order of a HashMap into which they were put one after the other.
 * hashes    hashCode of each key
 * capacity  the map was made for so many; 0: made without saying
 * Gives an array of `count` positions in the arena
 * Source    java.util.HashMap: bucket (h ^ h >>> 16) & (size - 1); at most 3/4 full
 */
size_t *java_hash_map_order(struct arena *arena, const int32_t *hashes, size_t count, size_t capacity);

#endif
