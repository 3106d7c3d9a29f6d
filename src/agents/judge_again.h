/*
 * agents/judge_again.h: judges the row of an alert again, as it was judged then: by the state that its key had before that row
 * and the settings of the rule, both kept in the alert. The same rule gives the same verdict, or the answer says what changed.
 */
#ifndef AGENTS_JUDGE_AGAIN_H
#define AGENTS_JUDGE_AGAIN_H

#include "agents/alert.h"
#include "base/properties.h"

struct judged_again {
    bool same;
    const char *text; /* for people, in the arena */
};

/*
 * settings  of the rule, to be used in place of the alert's; NULL: the alert's, but for rules that read files: whoever writes an
 *           alert may not choose a file
 * value     of the row's record, as it is in the topic
 * Errors    BAD_INPUT: why it cannot be judged again (no such rule here, state not kept, the record is not that row)
 * Thread    any
 */
enum status judge_again(const struct alert *alert, const struct properties *settings, struct slice value, struct arena *arena, struct judged_again *again,
                        struct error *error);

#endif
