/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Sockets of the ordinary families and types only: no netlink, no packet, no raw, no vsock. */
#include <asm/unistd.h>
#include <errno.h>
#include <secmap/bpf.h>
#include <sys/socket.h>

#define SOCKET_TYPE_MASK 0xf /* the rest is SOCK_CLOEXEC and SOCK_NONBLOCK */

SECMAP_BITMAP(families, AF_UNIX, AF_INET, AF_INET6);
SECMAP_BITMAP(types, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET);

SECMAP_FILTER unsigned int sockets(const struct seccomp_data *call)
{
	if (call->arch != AUDIT_ARCH_X86_64)
		return SECCOMP_RET_KILL_PROCESS;
	if (call->nr != __NR_socket && call->nr != __NR_socketpair)
		return SECCOMP_RET_ALLOW;
	if (!secmap_test_bit(&families, (__u32)call->args[0]))
		return SECCOMP_RET_ERRNO | EAFNOSUPPORT;
	if (!secmap_test_bit(&types, call->args[1] & SOCKET_TYPE_MASK))
		return SECCOMP_RET_ERRNO | ESOCKTNOSUPPORT;
	return SECCOMP_RET_ALLOW;
}
