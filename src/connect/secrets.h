/* connect/secrets.h: keeps passwords out of what is shown, and takes ${file:…} and ${env:…} out of configurations. */
#ifndef CONNECT_SECRETS_H
#define CONNECT_SECRETS_H

#include "base/properties.h"

#define SECRET_MASK "********"

/*
 * Copies the configuration with its placeholders replaced: ${file:PATH:KEY} by the value of KEY in a properties file,
 * ${env:NAME} by an environment variable. `resolved` is initialised by this, and has to be finished in any case.
 * Errors  BAD_INPUT: which setting, which placeholder, what is missing. The values themselves are never part of a message
 */
enum status secrets_resolve(const struct properties *config, struct properties *resolved, struct error *error);

/* Hides the values of secret settings, but not placeholders, which are none. */
void secrets_mask(struct properties *config);

/* Puts the stored value where a masked one came back. */
void secrets_unmask(struct properties *config, const struct properties *stored);

#endif
