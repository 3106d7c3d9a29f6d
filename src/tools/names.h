/* tools/names.h: names of topics and groups for a shell that completes words. */
#ifndef TOOLS_NAMES_H
#define TOOLS_NAMES_H

#include "base/buffer.h"

/*
 * Offers (base/options.h) the topics, or the groups, of a cluster that begin with what is typed. Nothing when it cannot be asked: a shell
 * that completes wants no errors.
 */
void names_offer(const char *bootstrap_servers, bool groups, const char *typed, struct buffer *out);

#endif
