/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a case has said so far: in memory that it shares with the runner, so that it outlives
 * whoever said it.
 */
#ifndef SECMAP_TESTS_MANUAL_RESULT_H
#define SECMAP_TESTS_MANUAL_RESULT_H

#define RESULT_MAX 4096

struct result {
	char said[RESULT_MAX];
	char told[RESULT_MAX];
};

extern struct result *result;

#endif
