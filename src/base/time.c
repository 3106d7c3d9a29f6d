#include "base/time.h"

#include "base/banned.h"

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    /* Years begin in March, so the leap day is the last one; eras have 400 years. */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = floor_divide(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

void civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    int64_t shifted = days + 719468;
    int64_t era = floor_divide(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;

    *day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

int64_t retry_wait_ms(int64_t failures, int64_t down_ms, int64_t longest_ms)
{
    int64_t wait_ms = 100;

    for (int64_t i = 1; i < failures && wait_ms < longest_ms; i++)
        wait_ms *= 2;
    if (wait_ms > MS_PER_SECOND && down_ms < 30 * MS_PER_SECOND)
        wait_ms = MS_PER_SECOND;
    return wait_ms < longest_ms ? wait_ms : longest_ms;
}
