/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seccomp records of the audit log. */
#ifndef SECMAP_TESTS_MANUAL_AUDIT_LOG_H
#define SECMAP_TESTS_MANUAL_AUDIT_LOG_H

#include <stdint.h>

/* Records from here on are kept. */
int audit_open(void);
/* The actions that were logged since then, for any process. */
void audit_say(int audit, const char *who);
/* Turn auditing itself on or off. */
void audit_enable(int audit, uint32_t on);

#endif
