/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Limits: every count that user space can drive, in one place. */
#ifndef _SECMAP_LIMITS_H
#define _SECMAP_LIMITS_H

/* Policies in a stack. */
#define SECMAP_LIMIT_STACK 64U

/*
 * Different errnos that a stack answers at once; numbers with others are judged. Different sets
 * of policies to ask; the first one is all of them, and asked about numbers with others.
 */
#define SECMAP_LIMIT_STACK_ERRNOS 64U
#define SECMAP_LIMIT_STACK_ASKS	  32U

/* What a call can return as an errno: MAX_ERRNO; seccomp(2) caps there too. */
#define SECMAP_LIMIT_ERRNO 4095U

/* Records in one ABI section of a policy. */
#define SECMAP_LIMIT_RULES	   16384U
#define SECMAP_LIMIT_SECTION_CONDS 65536U
#define SECMAP_LIMIT_RULE_CONDS	   32U

/*
 * What one call may cost: a rule, a comparison or an instruction of eBPF is 1. A look-up in a
 * table, which may miss every cache, is SECMAP_COST_LOOKUP; in an LPM_TRIE it goes from node to
 * node, one for each bit at worst: SECMAP_COST_TRIE. A division, and a store, which has a
 * speculation barrier behind it, are SECMAP_COST_SLOW. In a policy, and summed over a stack. This
 * bounds how long the probe runs with preemption off: some 10 to 30 microseconds at worst, and
 * twice that for programs without a JIT.
 */
#define SECMAP_COST_LOOKUP	16U
#define SECMAP_COST_TRIE	64U
#define SECMAP_COST_SLOW	4U
#define SECMAP_LIMIT_COST	4096U
#define SECMAP_LIMIT_STACK_COST 8192U

/*
 * Conditions and keys of tables that are looked at to show that one policy tightens another: some
 * seconds at worst. What needs more is not shown.
 */
#define SECMAP_LIMIT_TIGHTEN 8388608U

/*
 * Stacks that are built when who is no administrator tightens a policy, or has it counted: others
 * who replace one wait for them; and those of them that came late: all who attach wait for them.
 */
#define SECMAP_LIMIT_OWN_STACKS	     4096U
#define SECMAP_LIMIT_OWN_STACKS_LATE 16U

/*
 * Instructions in one program; and those of classic BPF summed over a stack, 4 more for each
 * policy but the newest: as seccomp(2). The sum counts what the kernel has translated them to.
 */
#define SECMAP_LIMIT_INSNS	 4096U
#define SECMAP_LIMIT_STACK_INSNS 32768U

/* Calls, of all ABIs, that begin one phase. */
#define SECMAP_LIMIT_PHASE_CALLS  256U

#define SECMAP_LIMIT_TABLES	  256U /* named by one policy */
#define SECMAP_LIMIT_BITMAP_BITS  1048576U
#define SECMAP_LIMIT_HASH_ENTRIES 1048576U

/* Slots that a look-up in a hash map may touch; checked when it is built. */
#define SECMAP_LIMIT_PROBES 32U

/*
 * Sockets that hear of verdicts; the reserved ones are for CAP_SYS_ADMIN in the initial user
 * namespace, and a user who has not got it can have only so many.
 */
#define SECMAP_LIMIT_WATCHERS	       64U
#define SECMAP_LIMIT_WATCHERS_RESERVED 16U
#define SECMAP_LIMIT_WATCHERS_USER     8U

/*
 * Calls whose arguments one recorder records, and how many different ones of each: all of that is
 * allocated with it, 7 MiB at most.
 */
#define SECMAP_LIMIT_RECORDED_SETS   256U
#define SECMAP_LIMIT_RECORDED_VALUES 256U

#define SECMAP_LIMIT_TEST_CALLS	     4096U
#define SECMAP_LIMIT_TEST_REPEAT     1000000U
#define SECMAP_LIMIT_TASK_LIST	     65536U   /* in one call */
#define SECMAP_LIMIT_OBJECTS	     1048576U /* policies, and tables */
/* Of these, for CAP_SYS_ADMIN in the initial user namespace: nobody else can use all up. */
#define SECMAP_LIMIT_OBJECTS_RESERVED 65536U
#define SECMAP_LIMIT_LOG	      4096U /* bytes of a refusal's text */
#define SECMAP_LIMIT_RECORD	      4096U /* bytes of one record */

#endif
