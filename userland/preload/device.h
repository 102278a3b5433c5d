/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptor of the module's device. */
#ifndef SECMAP_PRELOAD_DEVICE_H
#define SECMAP_PRELOAD_DEVICE_H

#include <stdbool.h>

/* Open the device, once; later calls do nothing. */
void secmap_device_start(void);

/* An ioctl of the device: its result, a negative errno, or -ENODEV if there is no device. */
long secmap_device_ioctl(unsigned long request, void *record);

#define SECMAP_NO_DEVICE (-1)

/* The descriptor, if it is still the device's, or SECMAP_NO_DEVICE. */
int secmap_device_number(void);

/* SECMAP_SECCOMP=require: what the module cannot serve fails. */
bool secmap_device_required(void);

#endif /* SECMAP_PRELOAD_DEVICE_H */
