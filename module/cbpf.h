/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Classic BPF as seccomp(2) takes it: whether a program is valid, and what it returns. A
 * pure function of struct seccomp_data.
 */
#ifndef _SECMAP_CBPF_H
#define _SECMAP_CBPF_H

#include "kernel.h"
#include "limits.h"
#include "why.h"

int secmap_cbpf_check(struct sock_filter *filter, unsigned int len);
int secmap_cbpf_valid(const struct sock_filter *filter, u32 len, struct secmap_why *why);
u32 secmap_cbpf_run(const struct sock_filter *filter, u32 len, const struct seccomp_data *data);

#endif
