#include "agents/rule.h"

#include "base/banned.h"

#define R(rule) extern const struct rule_kind rule;
#include "agents/rules.def"
#undef R

static const struct rule_kind *const kinds[] = {
#define R(rule) &rule,
#include "agents/rules.def"
#undef R
};

const struct rule_kind *const *rule_kinds(size_t *count)
{
    *count = sizeof(kinds) / sizeof(kinds[0]);
    return kinds;
}

const struct rule_kind *rule_find(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    }
    return NULL;
}
