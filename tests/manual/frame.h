/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A case is a statement of a manual page in our words, what a program should see if it is
 * true, and a function that looks. Each runs in a process group of its own, with a time
 * limit. seccomp is reached through prctl() and syscall() alone.
 */
#ifndef SECMAP_TESTS_MANUAL_FRAME_H
#define SECMAP_TESTS_MANUAL_FRAME_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a statement stands: the page, its section, the sentence's number there. */
#define S(section) "seccomp(2) " section
#define U(section) "seccomp_unotify(2) " section
#define P(section) "prctl(2) " section
/* No page has it; the kernel's header, and its documentation, do. */
#define H(section) "linux/seccomp.h " section

/**
 * struct manual_case - one statement
 * @id: unique
 * @where: page, section and sentence
 * @says: the statement, in our words
 * @expect: what is seen if it is true; NULL for a remark, which no program can test
 * @run: looks, and says what it saw
 * @why: of a remark, why there is nothing to see; or why kernels differ from the page
 * @kernel: what the kernels give where that is not @expect; NULL if they agree with it. With a
 *	version in front ("6.11: ..."), kernels from that one on
 */
struct manual_case {
	const char *id;
	const char *where;
	const char *says;
	const char *expect;
	void (*run)(void);
	const char *why;
	const char *kernel;
};

#define REMARK(id, where, says, why)                   \
	{                                              \
		id, where, says, NULL, NULL, why, NULL \
	}

struct manual_table {
	const struct manual_case *cases;
	size_t count;
};

#define TABLE(name, cases) \
	const struct manual_table name = { cases, sizeof(cases) / sizeof((cases)[0]) }

/* The case's result, piece by piece; also from its children. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
/* What a target has to say, which target_end() or said() puts behind the rest. */
__attribute__((format(printf, 1, 2))) void tell(const char *format, ...);
void said(const char *who);

/* The name of an errno if @ret is -1; otherwise its value, or "ran" where that varies. */
const char *value(long ret);
const char *outcome(long ret);

/* Stop the case: this was no part of what it tests. */
__attribute__((noreturn)) void broken(const char *what);

/* Run @function in a child, to its end. */
int in_child(void (*function)(void));
void say_status(const char *who, int status);
void child_says(const char *who, void (*function)(void));
void run_thread(void (*function)(void));
void await_field(pid_t pid, const char *name, const char *wanted);
bool status_field(pid_t pid, const char *name, char *text, size_t size);

/* Filters. */
#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define LOW(index)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[index]))
#define HIGH(index) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[index]) + 4)
#define IF_EQUAL(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(k), yes, no)
#define RETURN(k)	     BPF_STMT(BPF_RET | BPF_K, (uint32_t)(k))
#define ALLOW		     RETURN(SECCOMP_RET_ALLOW)
#define FAIL(number)	     (SECCOMP_RET_ERRNO | (number))

#define INSTALL(flags, ...)                                   \
	install(flags, (struct sock_filter[]){ __VA_ARGS__ }, \
		sizeof((struct sock_filter[]){ __VA_ARGS__ }) / sizeof(struct sock_filter))

long install(unsigned int flags, const struct sock_filter *filter, size_t count);
/* @action for this call, ALLOW for others. */
long install_on(unsigned int flags, long nr, uint32_t action);
void must_install_on(unsigned int flags, long nr, uint32_t action);
void no_new_privs(void);
void drop_capabilities(void);

/* A call of the i386 ABI: registers may have something in their upper halves. */
long call_i386(unsigned long nr, unsigned long first, unsigned long second, unsigned long third);
/* Any number, any bits. */
long call_raw(unsigned long nr, unsigned long first, unsigned long second, unsigned long third);
/* As syscall() returns it. */
long as_libc(long ret);

void *shared(size_t size);
int scratch_file(void);

#endif
