/* tools/stop_signal.h: SIGINT and SIGTERM as a descriptor that becomes readable. */
#ifndef TOOLS_STOP_SIGNAL_H
#define TOOLS_STOP_SIGNAL_H

/* Catches both signals from now on; gives the descriptor, -1 when the system refuses one (then only stop_signal_number tells). */
int stop_signal_catch(void);

int stop_signal_number(void); /* of the signal that came; 0: none */

#endif
