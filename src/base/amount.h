/* base/amount.h: numbers as people read them. Each appends to a text. */
#ifndef BASE_AMOUNT_H
#define BASE_AMOUNT_H

#include "base/buffer.h"

void amount_count(struct buffer *text, int64_t count);       /* 1,234,567 */
void amount_bytes(struct buffer *text, int64_t bytes);       /* 1023 B, 1.5 GiB */
void amount_duration(struct buffer *text, int64_t ms);       /* 0.4 s, 90 s, 11 min, 2 h 5 min, 3 days */
void amount_micros(struct buffer *text, int64_t us);         /* 610 µs, 2.4 ms, 41 ms, then as amount_duration */
void amount_time(struct buffer *text, int64_t ms);           /* since 1970: 2026-11-24 06:33:20Z */
void amount_rate(struct buffer *text, double per_second);    /* 0.3 /s, 1,234 /s */

#endif
