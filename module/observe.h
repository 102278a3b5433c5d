/* SPDX-License-Identifier: GPL-2.0-only */
/* Observed stacks: of which every call is looked at. */
#ifndef _SECMAP_OBSERVE_H
#define _SECMAP_OBSERVE_H

#include "stack.h"

struct secmap_judgement secmap_observe(const struct secmap_stack *stack,
				       const struct secmap_call *call);

#endif
