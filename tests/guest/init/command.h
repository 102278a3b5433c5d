/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command: run it, pass its output on, leave nothing of it running. */
#ifndef _GUEST_COMMAND_H
#define _GUEST_COMMAND_H

int run_command(char **argv, char **env, const char *folder);

#endif
