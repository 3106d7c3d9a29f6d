/* cli/commands.h: the commands that ask a running program by HTTP, as main.c's table lists them. argv[0] is the command's name. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

int connectors_main(int argc, char **argv);
int topics_main(int argc, char **argv);
int groups_main(int argc, char **argv);
int trace_main(int argc, char **argv);
int completion_main(int argc, char **argv);

/* What the scripts of completion_main ask: "--names TOPIC WORD…". */
int names_main(int argc, char **argv);

#endif
