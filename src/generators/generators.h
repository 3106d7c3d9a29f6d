/* generators/generators.h: programs that write invented rows to a PostgreSQL, through libpq like any other client. */
#ifndef GENERATORS_GENERATORS_H
#define GENERATORS_GENERATORS_H

int generate_main(int argc, char **argv); /* argv[0] is "generate", argv[1] says what */

#endif
