/* server/command.h: what the commands share is in os/command.h. */
#ifndef SERVER_COMMAND_H
#define SERVER_COMMAND_H

#include "os/command.h"

#endif
