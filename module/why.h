/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Why something was refused: one sentence for the one who asked. */
#ifndef _SECMAP_WHY_H
#define _SECMAP_WHY_H

#include "kernel.h"

#define SECMAP_WHY_LEN 256

struct secmap_why {
	char text[SECMAP_WHY_LEN];
};

/* clang-format would fill the empty line with spaces. */
/* clang-format off */

/**
 * secmap_refuse() - note the reason and pass the errno on
 * @why: where the text goes, or NULL
 * @err: a negative errno
 *
 * Return: @err.
 */
#define secmap_refuse(why, err, fmt, ...)					\
({										\
	struct secmap_why *__why = (why);					\
										\
	if (__why)								\
		snprintf(__why->text, sizeof(__why->text), fmt, ##__VA_ARGS__);	\
	(err);									\
})

/* clang-format on */

#endif
