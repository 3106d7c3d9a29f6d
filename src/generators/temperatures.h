/* generators/temperatures.h: an invented room temperature: warm in the afternoon, a little different every time. Pure. */
#ifndef GENERATORS_TEMPERATURES_H
#define GENERATORS_TEMPERATURES_H

#include <stdint.h>

/* Tenths of a degree Celsius, 200 to 320; the same seed and second give the same. */
int32_t temperature_tenths(uint64_t seed, int64_t seconds);

#endif
