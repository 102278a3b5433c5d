/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's system: the host's files under an overlay, and what a machine has besides. */
#ifndef _GUEST_SYSTEM_H
#define _GUEST_SYSTEM_H

/* Make the host's file system the root. */
void enter_root(void);

/*
 * Fill it with the usual file systems. These folders of the host stay to be seen, whatever
 * is mounted above them; @results is the host's too, and @modules become /lib/modules/RELEASE.
 */
void make_system(char **visible, const char *results, const char *modules);

#endif
