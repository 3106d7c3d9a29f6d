/* os/clock.h: what time it is. */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdint.h>

int64_t clock_now_ms(void);       /* wall clock, since 1970 */
int64_t clock_now_us(void);
int64_t clock_now_ns(void);
int64_t clock_monotonic_ms(void); /* never jumps; for time-outs */
int64_t clock_monotonic_ns(void);
int64_t clock_thread_ns(void);    /* that the calling thread has had the processor */

/* Lets time pass: for back-off between tries, never in place of a condition. */
void clock_sleep_ms(int64_t ms);

#endif
