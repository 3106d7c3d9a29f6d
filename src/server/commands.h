/* server/commands.h: the commands that run and steer the server, as main.c's table lists them. argv[0] is the command's name. */
#ifndef SERVER_COMMANDS_H
#define SERVER_COMMANDS_H

int up_main(int argc, char **argv);
int down_main(int argc, char **argv);
int status_main(int argc, char **argv);
int psql_main(int argc, char **argv);
int settings_main(int argc, char **argv);
int settings_manual_main(void); /* the manual page of all settings, for the build */
int agent_main(int argc, char **argv);
int alerts_main(int argc, char **argv);
int backtest_main(int argc, char **argv);
int export_main(int argc, char **argv);
int doctor_main(int argc, char **argv);
int report_main(int argc, char **argv);

#endif
