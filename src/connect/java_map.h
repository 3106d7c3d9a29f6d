/*
 * connect/java_map.h: the order in which a Java HashMap gives its keys back. Connect's answers and stored records list
 * members in that order, and byte-for-byte clients and tests see it.
 */
#ifndef CONNECT_JAVA_MAP_H
#define CONNECT_JAVA_MAP_H

#include "base/properties.h"

/* String.hashCode(): over UTF-16 units. Malformed UTF-8 counts as U+FFFD. */
uint32_t java_hash_code(struct slice utf8);

/* Table sizes: of a map filled by put, and of one made by `new HashMap<>(other)`. */
size_t java_map_capacity(size_t count);
size_t java_map_capacity_of_copy(size_t count);

/* Puts the entries into the order of a HashMap with that table; those of one bucket keep their order. */
void java_map_order(struct properties *map, size_t capacity);

/* The same for anything with a hash: gives, in `order`, the indexes 0 … count-1 in the order of the map. */
void java_map_order_hashes(const uint32_t *hashes, size_t count, size_t capacity, size_t *order);

#endif
