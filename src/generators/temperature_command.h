/* generators/temperature_command.h: "tailrace generate temperature": a reading a minute into a table, for batch reports. */
#ifndef GENERATORS_TEMPERATURE_COMMAND_H
#define GENERATORS_TEMPERATURE_COMMAND_H

int temperature_main(int argc, char **argv); /* argv[0] is "temperature" */

#endif
