// SPDX-License-Identifier: LGPL-2.1-or-later
#include "program_policy.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <linux/bpf.h>
#include <linux/seccomp.h>
#include <secmap/secmap.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <secmap/table.hpp>

namespace secmap::bench {

namespace {

constexpr std::int32_t allow = SECCOMP_RET_ALLOW;
constexpr std::int32_t deny = SECCOMP_RET_ERRNO | EPERM;

using program = std::vector<bpf_insn>;

bpf_insn insn(int code, int dst, int src, int off, std::int32_t imm) {
    return {static_cast<__u8>(code), static_cast<__u8>(dst & 15), static_cast<__u8>(src & 15), static_cast<__s16>(off),
            imm};
}

bpf_insn load(int size, int to, std::size_t offset) {
    return insn(BPF_LDX | BPF_MEM | size, to, BPF_REG_1, static_cast<int>(offset), 0);
}

bpf_insn number_is(std::uint32_t number, int over) {
    return insn(BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_0, 0, over, static_cast<std::int32_t>(number));
}

bpf_insn move(int to, std::int32_t value) { return insn(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value); }

bpf_insn leave() { return insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

void add(program& to, std::initializer_list<bpf_insn> more) { to.insert(to.end(), more); }

program write(const program_spec& spec) {
    program made = {load(BPF_W, BPF_REG_0, offsetof(seccomp_data, nr))};
    if (spec.kind == "allow") {
        add(made, {number_is(spec.number, 3), number_is(SYS_ioctl, 2), move(BPF_REG_0, deny), leave(),
                   move(BPF_REG_0, allow), leave()});
        return made;
    }
    const bool bits = spec.kind == "bits";
    add(made, {number_is(spec.number, 2), move(BPF_REG_0, deny), leave(),
               load(BPF_DW, BPF_REG_2, offsetof(seccomp_data, args)),
               insn(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_IDX, 0, 0), bpf_insn{}});
    if (!bits) made.push_back(move(BPF_REG_3, deny));
    made.push_back(insn(BPF_JMP | BPF_CALL, 0, 0, 0, bits ? SECMAP_HELPER_TEST_BIT : SECMAP_HELPER_LOOKUP));
    if (bits) add(made, {number_is(0, 2), move(BPF_REG_0, allow), leave(), move(BPF_REG_0, deny)});
    made.push_back(leave());
    return made;
}

table_image table_of(const program_spec& spec) {
    table_image made;
    made.bitmap = spec.kind == "bits";
    made.keys = spec.members;
    if (!made.bitmap) made.values.assign(spec.members.size(), allow);
    const std::uint64_t last = *std::max_element(spec.members.begin(), spec.members.end());
    made.max_entries = static_cast<std::uint32_t>(made.bitmap ? last + 1 : spec.members.size());
    return made;
}

std::uint64_t address(const void* of) { return reinterpret_cast<std::uintptr_t>(of); }

error failure(const std::string& operation, const char* reason = "") {
    const int number = errno;
    return {number, operation, reason[0] != '\0' ? reason : std::strerror(number), ""};
}

}  // namespace

result<int> create_program_policy(const device& on, const program_spec& spec) {
    program insns = write(spec);
    std::array<char, 256> log{};
    std::vector<std::int32_t> tables;
    std::vector<table> held;
    if (spec.kind != "allow") {
        auto made = table::create(on, table_of(spec));
        if (!made) return made.error();
        tables.push_back(made->number());
        held.push_back(std::move(*made));
    }
    secmap_policy_create record{};
    record.size = sizeof(record);
    record.kind = SECMAP_POLICY_EBPF;
    record.table_count = static_cast<__u32>(tables.size());
    record.tables = tables.empty() ? 0 : address(tables.data());
    record.filter = address(insns.data());
    record.filter_len = static_cast<__u32>(insns.size());
    record.log = address(log.data());
    record.log_size = log.size();
    const int made = ioctl(on.number(), SECMAP_IOC_POLICY_CREATE, &record);
    if (made < 0) return failure("make the program's policy", log.data());
    return made;
}

result<void> attach_program_policy(const device& on, int policy) {
    secmap_attach record{};
    record.size = sizeof(record);
    record.policy_fd = policy;
    if (ioctl(on.number(), SECMAP_IOC_ATTACH, &record) < 0) return failure("attach the program's policy");
    return {};
}

}  // namespace secmap::bench
