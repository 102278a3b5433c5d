// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the cases share. */
#define _GNU_SOURCE
#include "frame.h"

#include "result.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct result *result;

static void append(char *text, const char *format, va_list list)
{
	size_t length = strlen(text);

	if (length) {
		strncat(text, ", ", RESULT_MAX - length - 1);
		length = strlen(text);
	}
	vsnprintf(text + length, RESULT_MAX - length, format, list);
}

void say(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	append(result->said, format, list);
	va_end(list);
}

void tell(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	append(result->told, format, list);
	va_end(list);
}

void said(const char *who)
{
	char told[RESULT_MAX];

	memcpy(told, result->told, sizeof(told));
	result->told[0] = '\0';
	say("%s: %s", who, told[0] ? told : "nothing");
}

static char *slot(void)
{
	static __thread char texts[8][32];
	static __thread unsigned int next;

	return texts[next++ % 8];
}

static const char *errno_name(int number)
{
	const char *name = strerrorname_np(number);
	char *text;

	if (name)
		return name;
	text = slot();
	snprintf(text, 32, "errno %d", number);
	return text;
}

const char *value(long ret)
{
	char *text;

	if (ret == -1)
		return errno_name(errno);
	text = slot();
	snprintf(text, 32, "%ld", ret);
	return text;
}

const char *outcome(long ret)
{
	return ret == -1 ? errno_name(errno) : "ran";
}

void broken(const char *what)
{
	say("BROKEN %s: %s", what, errno_name(errno));
	_exit(99);
}

int in_child(void (*function)(void))
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		broken("fork");
	if (pid == 0) {
		function();
		_exit(0);
	}
	while (waitpid(pid, &status, __WALL) != pid)
		if (errno != EINTR)
			broken("waitpid");
	return status;
}

void say_status(const char *who, int status)
{
	if (WIFEXITED(status))
		say("%s: exit %d", who, WEXITSTATUS(status));
	else
		say("%s: SIG%s%s", who, sigabbrev_np(WTERMSIG(status)),
		    WCOREDUMP(status) ? " core" : "");
}

void child_says(const char *who, void (*function)(void))
{
	say_status(who, in_child(function));
}

static void *thread_main(void *function)
{
	void (*run)(void) = *(void (**)(void))function;

	run();
	return NULL;
}

void run_thread(void (*function)(void))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, thread_main, &function))
		broken("pthread_create");
	pthread_join(thread, NULL);
}

bool status_field(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		size_t length = strlen(name);

		if (strncmp(line, name, length) || line[length] != ':')
			continue;
		snprintf(text, size, "%s", line + length + 1 + strspn(line + length + 1, " \t"));
		text[strcspn(text, "\n")] = '\0';
		found = true;
	}
	fclose(file);
	return found;
}

/* The runner's time limit is ours. */
void await_field(pid_t pid, const char *name, const char *wanted)
{
	char text[256] = "";

	while (status_field(pid, name, text, sizeof(text)) && !strstr(text, wanted))
		sched_yield();
}

long install(unsigned int flags, const struct sock_filter *filter, size_t count)
{
	struct sock_fprog program = { (unsigned short)count, (struct sock_filter *)filter };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

long install_on(unsigned int flags, long nr, uint32_t action)
{
	return INSTALL(flags, LOAD(nr), IF_EQUAL(nr, 0, 1), RETURN(action), ALLOW);
}

void must_install_on(unsigned int flags, long nr, uint32_t action)
{
	if (install_on(flags, nr, action))
		broken("install");
}

void no_new_privs(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		broken("no_new_privs");
}

void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capset, &header, data))
		broken("capset");
}

long call_i386(unsigned long nr, unsigned long first, unsigned long second, unsigned long third)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "0"(nr), "b"(first), "c"(second), "d"(third)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

long call_raw(unsigned long nr, unsigned long first, unsigned long second, unsigned long third)
{
	long ret;

	asm volatile("syscall"
		     : "=a"(ret)
		     : "0"(nr), "D"(first), "S"(second), "d"(third)
		     : "memory", "rcx", "r11");
	return ret;
}

long as_libc(long ret)
{
	if (ret >= 0 || ret < -4095)
		return ret;
	errno = (int)-ret;
	return -1;
}

void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		broken("mmap");
	return memory;
}

int scratch_file(void)
{
	int fd = memfd_create("scratch", MFD_CLOEXEC);

	if (fd < 0)
		broken("memfd_create");
	return fd;
}
