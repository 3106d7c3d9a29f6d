"""Writes the powers of ten that number.c multiplies by: 10^k scaled to 126 bits and rounded up, as two halves of 64 bits."""

import sys

K_MIN, K_MAX = -292, 324

with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write("#define POWER_MIN (%d)\n#define POWER_MAX %d\n" % (K_MIN, K_MAX))
    out.write("static const struct power powers[POWER_MAX - POWER_MIN + 1] = {\n")
    for k in range(K_MIN, K_MAX + 1):
        # 2^125 <= g < 2^126 with g = floor(10^k * 2^-r) + 1
        if k >= 0:
            power = 10**k
            r = power.bit_length() - 126
            g = (power >> r if r > 0 else power << -r) + 1
        else:
            power = 10**-k
            r = -(power.bit_length() - 1) - 126
            g = (1 << -r) // power + 1
        assert g.bit_length() == 126, k
        out.write("    {0x%016x, 0x%016x}, /* %d */\n" % (g >> 64, g & (2**64 - 1), k))
    out.write("};\n")
