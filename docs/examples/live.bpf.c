/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Answers out of a BPF map, which others change while programs run under the filter:
 *
 *   bpftool map create /sys/fs/bpf/answers type hash key 4 value 4 entries 512 name answers
 *   secmapctl run --prog live.bpf.o -- nginx
 *   bpftool map update pinned /sys/fs/bpf/answers key hex 65 00 00 00 value hex 01 00 05 00
 *
 * and from then on ptrace, 0x65, fails with EPERM, SECCOMP_RET_ERRNO | 1. What is not in the
 * map is allowed.
 */
#include <secmap/bpf.h>

SECMAP_BPF_MAP(answers, "/sys/fs/bpf/answers");

SECMAP_FILTER unsigned int live(const struct seccomp_data *call)
{
	if (call->arch != AUDIT_ARCH_X86_64)
		return SECCOMP_RET_KILL_PROCESS;
	return secmap_lookup(&answers, (__u32)call->nr, SECCOMP_RET_ALLOW);
}
