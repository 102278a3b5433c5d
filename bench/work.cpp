// SPDX-License-Identifier: LGPL-2.1-or-later
#include "work.hpp"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

namespace secmap::bench {

namespace {

void* do_nothing(void* nothing) { return nothing; }

}  // namespace

std::int64_t repeat_call(std::int64_t number, const std::vector<std::uint64_t>& first) noexcept {
    std::int64_t returned = 0;
    const std::uint64_t* next = first.data();
    std::uint64_t times = first.size();
    asm volatile(
        "xor %%esi, %%esi; xor %%edx, %%edx; xor %%r10d, %%r10d; xor %%r8d, %%r8d; xor %%r9d, %%r9d\n"
        "1: mov %[number], %%rax; mov (%[next]), %%rdi; syscall\n"
        "add $8, %[next]; dec %[times]; jnz 1b"
        : "=&a"(returned), [next] "+&b"(next), [times] "+&r"(times)
        : [number] "r"(number)
        : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    return returned;
}

unsigned repeat_fork(unsigned times) noexcept {
    unsigned failed = 0;
    for (unsigned turn = 0; turn < times; ++turn) {
        const pid_t pid = fork();
        if (pid == 0) _exit(0);
        int status = -1;
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) ++failed;
    }
    return failed;
}

unsigned repeat_thread(unsigned times) noexcept {
    unsigned failed = 0;
    for (unsigned turn = 0; turn < times; ++turn) {
        pthread_t thread = {};
        if (pthread_create(&thread, nullptr, do_nothing, nullptr) != 0 || pthread_join(thread, nullptr) != 0) ++failed;
    }
    return failed;
}

void answer_all(const listener& at, std::int64_t value) noexcept {
    for (;;) {
        const auto asked = at.receive();
        if (!asked || !at.respond_value(asked->id, value)) return;
    }
}

}  // namespace secmap::bench
