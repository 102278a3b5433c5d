/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host is told: lines over the port "status", and marks in the kernel log. */
#ifndef _GUEST_REPORT_H
#define _GUEST_REPORT_H

#include <stddef.h>

/* Bytes that went to the ports "stdout" and "stderr". */
extern unsigned long long relayed[2];

int open_port(const char *wanted);

/* First of all: opens the kernel log, then, when its driver is there, the port. */
void open_log(void);
void open_status(void);

void write_all(int fd, const char *data, size_t size);
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_line(const char *prefix, const char *text);
void mark(const char *what);
void end(void) __attribute__((noreturn));
void fail(const char *what) __attribute__((noreturn));

#endif
