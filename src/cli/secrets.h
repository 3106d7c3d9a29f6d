/* cli/secrets.h: passwords are shown to nobody, wherever a configuration came from. */
#ifndef CLI_SECRETS_H
#define CLI_SECRETS_H

#include <jansson.h>

/*
 * Masks in place: members that are named like secrets ("database.password"), and the "value" of an object that has such a "name", at any
 * depth. Placeholders such as ${file:…} stay.
 */
void secrets_mask_json(json_t *value);

#endif
