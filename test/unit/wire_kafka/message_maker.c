#include "message_maker.h"

#include "base/banned.h"

uint64_t random_next(uint64_t *seed)
{
    uint64_t x = *seed == 0 ? UINT64_C(0x9e3779b97f4a7c15) : *seed;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *seed = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

static struct slice slice_make(enum wire_kind kind, int fullness, uint64_t *seed, struct arena *arena)
{
    size_t size = fullness == 0 ? 0 : random_next(seed) % (kind == WIRE_string ? 20 : 300);
    uint8_t *bytes = arena_new(arena, size + 1);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(kind == WIRE_string ? 'a' + random_next(seed) % 26 : random_next(seed));
    return slice_of(bytes, size);
}

static void fields_make(const struct wire_message *message, int version, int fullness, uint64_t *seed, struct arena *arena, void *out);

static void array_make(const struct wire_field *field, int version, int fullness, uint64_t *seed, struct arena *arena,
                       struct wire_array *array)
{
    array->count = fullness == 0 ? 0 : (int32_t)(random_next(seed) % 3);
    array->items = arena_new_array(arena, (size_t)array->count, wire_item_size(field));
    for (int32_t i = 0; i < array->count; i++) {
        switch (field->kind) {
        case WIRE_int8_array: ((int8_t *)array->items)[i] = (int8_t)random_next(seed); break;
        case WIRE_int32_array: ((int32_t *)array->items)[i] = (int32_t)random_next(seed); break;
        case WIRE_int64_array: ((int64_t *)array->items)[i] = (int64_t)random_next(seed); break;
        case WIRE_string_array: ((struct slice *)array->items)[i] = slice_make(WIRE_string, fullness, seed, arena); break;
        default:
            wire_init_defaults(field->item, (uint8_t *)array->items + (size_t)i * field->item->size);
            fields_make(field->item, version, fullness, seed, arena, (uint8_t *)array->items + (size_t)i * field->item->size);
            break;
        }
    }
}

static bool is_array(const struct wire_field *field)
{
    return field->kind >= WIRE_int8_array && field->kind <= WIRE_list;
}

static void member_make(const struct wire_field *field, int version, int fullness, uint64_t *seed, struct arena *arena, void *member)
{
    uint64_t number = random_next(seed);
    double fraction = (double)(int32_t)number / 8;
    bool null = version >= field->null_from && (fullness == 0 || number % 4 == 0);

    if (is_array(field)) {
        if (null)
            *(struct wire_array *)member = (struct wire_array){NULL, -1};
        else
            array_make(field, version, fullness, seed, arena, member);
        return;
    }
    switch (field->kind) {
    case WIRE_bool: *(bool *)member = number % 2; break;
    case WIRE_int8: *(int8_t *)member = (int8_t)number; break;
    case WIRE_int16:
    case WIRE_uint16: *(uint16_t *)member = (uint16_t)number; break;
    case WIRE_int32: *(int32_t *)member = (int32_t)number; break;
    case WIRE_int64: *(int64_t *)member = (int64_t)number; break;
    case WIRE_float64: memcpy(member, &fraction, sizeof(fraction)); break;
    case WIRE_uuid:
        for (int i = 0; i < 16; i++)
            ((struct uuid *)member)->bytes[i] = (uint8_t)random_next(seed);
        break;
    case WIRE_struct: fields_make(field->item, version, fullness, seed, arena, member); break;
    case WIRE_pointer:
        if (null)
            break;
        *(void **)member = arena_new(arena, field->item->size);
        wire_init_defaults(field->item, *(void **)member);
        fields_make(field->item, version, fullness, seed, arena, *(void **)member);
        break;
    default: *(struct slice *)member = null ? slice_null() : slice_make(field->kind, fullness, seed, arena); break;
    }
}

static void fields_make(const struct wire_message *message, int version, int fullness, uint64_t *seed, struct arena *arena, void *out)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct wire_field *field = &message->fields[i];
        bool left_out = field->tag >= 0 && random_next(seed) % 3 == 0;

        if (wire_field_in(field, version) && !left_out)
            member_make(field, version, fullness, seed, arena, (uint8_t *)out + field->offset);
    }
}

void message_make(const struct wire_message *message, int version, int fullness, uint64_t *seed, struct arena *arena, void *out)
{
    wire_init_defaults(message, out);
    fields_make(message, version, fullness, seed, arena, out);
}

static const char *array_difference(const struct wire_field *field, const struct wire_array *a, const struct wire_array *b)
{
    size_t size = wire_item_size(field);

    if (a->count != b->count)
        return field->name;
    for (int32_t i = 0; i < a->count; i++) {
        const uint8_t *item_a = (const uint8_t *)a->items + (size_t)i * size;
        const uint8_t *item_b = (const uint8_t *)b->items + (size_t)i * size;
        const char *difference = NULL;

        if (field->item != NULL)
            difference = message_difference(field->item, item_a, item_b);
        else if (field->kind == WIRE_string_array)
            difference = slice_equal(*(const struct slice *)item_a, *(const struct slice *)item_b) ? NULL : field->name;
        else if (memcmp(item_a, item_b, size) != 0)
            difference = field->name;
        if (difference != NULL)
            return difference;
    }
    return NULL;
}

static const char *member_difference(const struct wire_field *field, const void *a, const void *b)
{
    const void *pointed_a, *pointed_b;
    bool same;

    if (is_array(field))
        return array_difference(field, a, b);
    switch (field->kind) {
    case WIRE_string:
    case WIRE_bytes:
    case WIRE_records:
        same = slice_equal(*(const struct slice *)a, *(const struct slice *)b) &&
               slice_is_null(*(const struct slice *)a) == slice_is_null(*(const struct slice *)b);
        break;
    case WIRE_struct: return message_difference(field->item, a, b);
    case WIRE_pointer:
        pointed_a = *(void *const *)a;
        pointed_b = *(void *const *)b;
        if (pointed_a != NULL && pointed_b != NULL)
            return message_difference(field->item, pointed_a, pointed_b);
        same = pointed_a == pointed_b;
        break;
    case WIRE_uuid: same = memcmp(a, b, 16) == 0; break;
    case WIRE_float64: same = memcmp(a, b, 8) == 0; break;
    default: same = wire_number(field, a) == wire_number(field, b); break;
    }
    return same ? NULL : field->name;
}

const char *message_difference(const struct wire_message *message, const void *a, const void *b)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct wire_field *field = &message->fields[i];
        const char *difference = member_difference(field, (const uint8_t *)a + field->offset, (const uint8_t *)b + field->offset);

        if (difference != NULL)
            return difference;
    }
    return NULL;
}
