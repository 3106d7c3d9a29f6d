/* server/doctor_page.h: what `tailrace doctor` found, for people and for programs. Pure. */
#ifndef SERVER_DOCTOR_PAGE_H
#define SERVER_DOCTOR_PAGE_H

#include "base/page.h"
#include "connect/findings.h"

struct doctor_group {
    const char *subject; /* "This machine", "Connector orders" */
    const struct findings *findings;
};

struct doctor_totals {
    size_t errors, warnings;
};

struct doctor_totals doctor_count(const struct doctor_group *groups, size_t count);

/* One line for what is well, three or four for what is not: found, why, do. */
void doctor_page_print(struct page *page, const struct doctor_group *groups, size_t count);

/* {"verdict", "errors", "warnings", "groups": [{"subject", "findings": [{code, state, title, found, why, todo, property, set, sql, command, safe}]}]} */
void doctor_page_json(struct buffer *text, const struct doctor_group *groups, size_t count);

#endif
