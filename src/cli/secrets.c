#include "cli/secrets.h"

#include "base/banned.h"
#include "connect/configdef.h"

#define MASK "********"

static bool name_is_secret(const char *name)
{
    static const char *const marks[] = {"password", "secret", "token", "credential", "jaas", "passphrase", "private.key", "api.key"};

    if (config_property_is_secret(name))
        return true;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (strcasestr(name, marks[i]) != NULL)
            return true;
    }
    return false;
}

static void member_mask(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    if (text != NULL && *text != '\0' && strstr(text, "${") == NULL)
        (void)json_object_set_new(object, name, json_string(MASK));
}

void secrets_mask_json(json_t *value)
{
    const char *name = json_string_value(json_object_get(value, "name")), *member;
    json_t *item;
    size_t index;
    void *next;

    if (name != NULL && name_is_secret(name))
        member_mask(value, "value");
    json_object_foreach_safe(value, next, member, item) {
        if (json_is_string(item) && name_is_secret(member))
            member_mask(value, member);
        else
            secrets_mask_json(item);
    }
    json_array_foreach(value, index, item) secrets_mask_json(item);
}
