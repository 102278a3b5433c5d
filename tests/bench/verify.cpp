// SPDX-License-Identifier: LGPL-2.1-or-later
// How long it takes to verify a program of 4096 instructions, and to predict what it does for
// the numbers of all ABIs. Of programs that are hard in different ways:
//
//   build/userland/tests/bench/bench-verify
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "../../userland/kernel/kernel.h"

extern "C" {
#include "ebpf.h"
#include "predict.h"
#include "verify.h"
}

namespace {

constexpr u32 numbers = 3 * SECMAP_NR_MAX;

using program = std::vector<bpf_insn>;

bpf_insn insn(unsigned code, unsigned dst, unsigned src, int off, int imm) {
    bpf_insn made = {};
    made.code = static_cast<u8>(code);
    made.dst_reg = dst & 15U;
    made.src_reg = src & 15U;
    made.off = static_cast<std::int16_t>(off);
    made.imm = imm;
    return made;
}

// An argument in r2, a number in r0.
program begin() {
    return {insn(BPF_LDX | BPF_MEM | BPF_DW, 2, 1, 16, 0), insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 7)};
}

program end(program made) {
    made.resize(SECMAP_LIMIT_INSNS - 1, insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 7));
    made.push_back(insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
    return made;
}

// One way.
program straight() { return end(begin()); }

// All of the stack and all registers are known; then each instruction branches, nobody knows where to.
program branches(int distance) {
    program made = begin();
    for (unsigned reg = 3; reg < 10; reg++) made.push_back(insn(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, 1));
    for (int off = -512; off < 0; off += 8) made.push_back(insn(BPF_ST | BPF_MEM | BPF_DW, 10, 0, off, off));
    while (made.size() < SECMAP_LIMIT_INSNS - 1) {
        const int most = static_cast<int>(SECMAP_LIMIT_INSNS - 2 - made.size());
        made.push_back(insn(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, std::min(distance, most), 5));
    }
    return end(made);
}

// Either way something else is stored.
program stores() {
    program made = begin();
    while (made.size() < SECMAP_LIMIT_INSNS - 4) {
        const int slot = -8 * static_cast<int>(1 + made.size() / 2 % 64);
        made.push_back(insn(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1, 5));
        made.push_back(insn(BPF_ST | BPF_MEM | BPF_DW, 10, 0, slot, 1));
    }
    return end(made);
}

program select(std::int64_t shape) {
    switch (shape) {
        case 0: return straight();
        case 1: return branches(1);
        case 2: return branches(81);
        default: return stores();
    }
}

const char* name(std::int64_t shape) {
    constexpr const char* names[] = {"one way", "branches to the next but one", "branches far away", "stores"};
    return names[shape];
}

void verify(benchmark::State& state) {
    const program insns = select(state.range(0));
    for (auto _ : state) {
        secmap_verify_facts facts = {};
        secmap_why why = {};
        if (secmap_verify(insns.data(), static_cast<u32>(insns.size()), nullptr, 0, &facts, &why) != 0)
            state.SkipWithError(why.text);
        benchmark::DoNotOptimize(facts);
    }
    state.SetLabel(name(state.range(0)));
}

void predict(benchmark::State& state) {
    const program insns = select(state.range(0));
    const secmap_ebpf whole = {insns.data(), static_cast<u32>(insns.size()), nullptr, 0};
    secmap_predict_room* room = secmap_predict_room_create(&whole);
    if (room == nullptr) std::abort();
    for (auto _ : state) {
        for (u32 nr = 0; nr < numbers; nr++) {
            u32 action = 0;
            if (!secmap_predict_ebpf(room, AUDIT_ARCH_X86_64, nr, &action)) state.SkipWithError("it is not told");
            benchmark::DoNotOptimize(action);
        }
    }
    secmap_predict_room_free(room);
    state.SetLabel(name(state.range(0)));
}

BENCHMARK(verify)->DenseRange(0, 3)->Unit(benchmark::kMicrosecond);
BENCHMARK(predict)->DenseRange(0, 3)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
