/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Limits: every count that user space can drive, in one place. */
#ifndef _SECMAP_LIMITS_H
#define _SECMAP_LIMITS_H

/* Policies in a stack. */
#define SECMAP_LIMIT_STACK 64U

/* Different errnos that a stack answers at once; numbers with others are judged. */
#define SECMAP_LIMIT_STACK_ERRNOS 64U

/* Records in one ABI section of a policy. */
#define SECMAP_LIMIT_RULES	   16384U
#define SECMAP_LIMIT_SECTION_CONDS 65536U
#define SECMAP_LIMIT_RULE_CONDS	   32U

/*
 * Rules and conditions that one call may have to look at: in a policy, and summed
 * over a stack. The same figures as seccomp(2) has for instructions
 * (BPF_MAXINSNS, MAX_INSNS_PER_PATH): they bound how long the probe runs.
 */
#define SECMAP_LIMIT_COST	  4096U
#define SECMAP_LIMIT_STACK_COST	  32768U

#define SECMAP_LIMIT_TABLES	  256U /* named by one policy */
#define SECMAP_LIMIT_BITMAP_BITS  1048576U
#define SECMAP_LIMIT_HASH_ENTRIES 1048576U

/* Slots that a look-up in a hash map may touch; checked when it is built. */
#define SECMAP_LIMIT_PROBES	 32U

#define SECMAP_LIMIT_TEST_CALLS	 4096U
#define SECMAP_LIMIT_TEST_REPEAT 1000000U
#define SECMAP_LIMIT_TASK_LIST	 65536U	  /* in one call */
#define SECMAP_LIMIT_OBJECTS	 1048576U /* policies, and tables */
#define SECMAP_LIMIT_LOG	 4096U	  /* bytes of a refusal's text */
#define SECMAP_LIMIT_RECORD	 4096U	  /* bytes of one record */

#endif
