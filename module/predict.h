/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Prediction: what a program returns for a number, whatever the arguments are. */
#ifndef _SECMAP_PREDICT_H
#define _SECMAP_PREDICT_H

#include "kernel.h"

bool secmap_predict_cbpf(const struct sock_filter *filter, u32 len, u32 arch, u32 nr, u32 *action);

#endif
