/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operations of seccomp(2), as the kernel has them: a negative errno on failure. */
#ifndef SECMAP_PRELOAD_SECCOMP_H
#define SECMAP_PRELOAD_SECCOMP_H

#include <stdbool.h>

/* seccomp(2). */
long secmap_seccomp(unsigned int operation, unsigned int flags, const void *arguments);

/* prctl(PR_SET_SECCOMP). */
long secmap_set_seccomp(unsigned long mode, const void *filter);

/* prctl(PR_GET_SECCOMP). */
long secmap_get_seccomp(void);

/* Has this thread, or the one that made it, attached a filter here? */
bool secmap_is_filtered(void);

#endif /* SECMAP_PRELOAD_SECCOMP_H */
