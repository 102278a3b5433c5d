// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes the system calls of a file and writes what each returned beside it. Says its thread id, and
 * begins when a byte arrives; from then on it makes no call of its own, for the sink swallows it,
 * until the file's last call has released it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SINK_VALUE 0x51ca11ed

struct call {
	uint64_t int80; /* by which instruction: 0 syscall, 1 int $0x80 */
	uint64_t nr;	/* the whole register */
	uint64_t args[6];
	int64_t result;
};

static int64_t by_syscall(const struct call *call)
{
	register uint64_t r10 __asm__("r10") = call->args[3];
	register uint64_t r8 __asm__("r8") = call->args[4];
	register uint64_t r9 __asm__("r9") = call->args[5];
	int64_t result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(call->nr), "D"(call->args[0]), "S"(call->args[1]),
			   "d"(call->args[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* The sixth argument is in ebp, which a compiler does not give away; below rsp lies its red zone. */
static int64_t by_int80(const struct call *call)
{
	int64_t result;

	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "push %%rbp\n\t"
			 "mov %[last], %%rbp\n\t"
			 "int $0x80\n\t"
			 "pop %%rbp\n\t"
			 "lea 128(%%rsp), %%rsp"
			 : "=a"(result)
			 : "a"(call->nr), "b"(call->args[0]), "c"(call->args[1]),
			   "d"(call->args[2]), "S"(call->args[3]),
			   "D"(call->args[4]), [last] "r"(call->args[5])
			 : "r8", "r9", "r10", "r11", "memory");
	return result;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
	struct stat status;
	struct call *calls;
	size_t count, each;
	ssize_t got;
	char go;

	if (fd < 0 || fstat(fd, &status) || status.st_size == 0) {
		fprintf(stderr, "usage: calls FILE\n");
		return 2;
	}
	count = status.st_size / sizeof(*calls);
	calls = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		     0);
	if (calls == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	printf("%d\n", gettid());
	fflush(stdout);
	/* If the sink came first, it has swallowed this one: then it is there as well. */
	got = read(0, &go, 1);
	if (got != 1 && got != SINK_VALUE)
		return 2;
	for (each = 0; each < count; each++)
		calls[each].result =
			calls[each].int80 ? by_int80(&calls[each]) : by_syscall(&calls[each]);
	return 0;
}
