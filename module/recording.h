/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Recordings: which calls were made, and with which arguments. */
#ifndef _SECMAP_RECORDING_H
#define _SECMAP_RECORDING_H

#include "kernel.h"
#include "limits.h"
#include "rules.h"
#include <secmap/secmap.h>

#define RECORDING_ARGS 6U /* of struct seccomp_data */

struct secmap_recording;

struct secmap_recording *secmap_recording_create(const struct secmap_recorder_set *sets, u32 count);
void secmap_recording_free(struct secmap_recording *recording);
void secmap_recording_note(struct secmap_recording *recording, struct secmap_where where,
			   const __u64 *args);
void secmap_recording_calls(const struct secmap_recording *recording,
			    struct secmap_recorder_read *to);
u64 *secmap_recording_values(const struct secmap_recording *recording, u32 set, u32 *count,
			     u32 *words, u32 *overflow);

#endif
