/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/secmap. */
#ifndef _SECMAP_DEV_H
#define _SECMAP_DEV_H

#include <linux/init.h>

int __init secmap_dev_init(void);
void secmap_dev_exit(void);

#endif
