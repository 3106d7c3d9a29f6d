/* main.c: the command table: pick a command, call it, return its status. */
#include "base/banned.h"

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 2;
}
