/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptor of the module's device. */
#ifndef SECMAP_PRELOAD_DEVICE_H
#define SECMAP_PRELOAD_DEVICE_H

#include <stdbool.h>

/* Open the device, once; later calls do nothing. */
void secmap_device_start(void);

/* An ioctl of the device: its result, a negative errno, or -ENODEV if there is no device. */
long secmap_device_ioctl(unsigned long request, void *record);

/* SECMAP_SECCOMP=require: what the module cannot serve fails. */
bool secmap_device_required(void);

#endif /* SECMAP_PRELOAD_DEVICE_H */
