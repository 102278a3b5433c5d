/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Prediction: what a program returns for a number, whatever the arguments are. */
#ifndef _SECMAP_PREDICT_H
#define _SECMAP_PREDICT_H

#include "kernel.h"

struct secmap_ebpf;
struct secmap_predict_room;

bool secmap_predict_cbpf(const struct sock_filter *filter, u32 len, u32 arch, u32 nr, u32 *last,
			 u32 *action);

/* Scratch memory for one program, used again for each of its numbers. */
struct secmap_predict_room *secmap_predict_room_create(const struct secmap_ebpf *program);
void secmap_predict_room_free(struct secmap_predict_room *room);
bool secmap_predict_ebpf(struct secmap_predict_room *room, u32 arch, u32 nr, u32 *action);

#endif
