/*
 * base/java.h: what Java programs show of their strings and maps. Kafka's tools, Connect and Debezium print members in the order in
 * which a HashMap gives its keys back, and byte-for-byte clients and tests see it. Source: java.lang.String, java.util.HashMap
 */
#ifndef BASE_JAVA_H
#define BASE_JAVA_H

#include "base/arena.h"
#include "base/properties.h"

/*
 * The next UTF-16 unit of a UTF-8 text, a surrogate pair as two units.
 * low    0 at the start; the function keeps the second half here
 * False  at the end. Broken sequences give U+FFFD a byte.
 */
bool java_utf16_next(struct slice *rest, uint16_t *low, uint16_t *unit);

/* String.hashCode(): over UTF-16 units. */
uint32_t java_hash_code(struct slice utf8);

/* Table sizes: of a map filled by put, and of one made by `new HashMap<>(other)`. */
size_t java_map_capacity(size_t count);
size_t java_map_capacity_of_copy(size_t count);

/* Gives, in `order`, the indexes 0 … count-1 as a map with that table has them; those of one bucket keep their order. */
void java_map_order(const uint32_t *hashes, size_t count, size_t capacity, size_t *order);

/* The same as an array in the arena, of a map that was made for `wanted` entries (0: without saying) and filled by put. */
size_t *java_map_order_new(struct arena *arena, const uint32_t *hashes, size_t count, size_t wanted);

/* Puts the entries into the order of a map with that table. */
void java_map_order_properties(struct properties *map, size_t capacity);

#endif
