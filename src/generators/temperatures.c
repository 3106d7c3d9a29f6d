#include "generators/temperatures.h"

#include "base/banned.h"

#include <math.h>

#define DAY_SECONDS 86400
#define WARMEST_SECOND (15 * 3600)

/* Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (splitmix64). */
static uint64_t mixed(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

int32_t temperature_tenths(uint64_t seed, int64_t seconds)
{
    double day = 40 * cos(2 * M_PI * (double)((seconds - WARMEST_SECOND) % DAY_SECONDS) / DAY_SECONDS);
    double noise = (double)(mixed(seed ^ mixed((uint64_t)seconds)) >> 11) * 0x1p-53 * 40 - 20;

    return (int32_t)lround(260 + day + noise);
}
