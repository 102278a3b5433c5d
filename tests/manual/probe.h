/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This program once more, over an exec. */
#ifndef SECMAP_TESTS_MANUAL_PROBE_H
#define SECMAP_TESTS_MANUAL_PROBE_H

/* What it is asked for: "getppid" exits with 0 if that ran, with 1 otherwise; "euid" exits
 * with 0 for root; "write" writes a line; "fd N" exits with 0 if N is open.
 */
int probe(int argc, char **argv);

/* Execute it, with what it is asked for; does not come back. */
__attribute__((noreturn)) void exec_probe(const char *what, const char *argument);

#endif
