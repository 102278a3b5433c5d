// SPDX-License-Identifier: LGPL-2.1-or-later
// What a call costs under a filter, by the time stamp counter, which counts instructions in a guest with -icount.
//
// A child attaches the filter to itself and makes the call in rounds. It needs no call that a filter could deny to hand
// over its figures: they go to shared memory, and it ends by an illegal instruction.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <secmap/device.hpp>
#include <secmap/filter_program.hpp>
#include <secmap/policy.hpp>
#include <secmap/profile.hpp>
#include <secmap/task.hpp>

#include "../diff/reference.hpp"
#include "program_policy.hpp"

namespace secmap::bench {

namespace {

constexpr std::size_t rounds_max = 256;

struct options {
    std::string engine = "none";
    std::string profile;
    std::string program;  ///< of ebpf
    std::string members;  ///< a file
    unsigned depth = 1;
    std::int64_t number = 0;
    std::vector<std::uint64_t> first = {0};  ///< its first argument; several are taken in turn
    unsigned calls = 512;
    unsigned rounds = 8;
    unsigned policies = 1;
    unsigned tasks = 0;
};

struct figures {
    std::array<std::uint64_t, rounds_max> counts;  ///< of each round
    std::int64_t returned;                         ///< by the last call
    bool complete;
};

// podman's, for a container that is given none and loses none.
const std::vector<std::string> container_capabilities = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID",     "CAP_KILL", "CAP_SETGID", "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_SETUID", "CAP_SYS_CHROOT",
};

error failure(const std::string& operation) { return {errno, operation, std::strerror(errno), ""}; }

std::uint64_t count() {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return std::uint64_t{high} << 32U | low;
}

// The same few instructions a turn besides the call, whatever the call is.
std::int64_t repeat(std::int64_t number, const std::vector<std::uint64_t>& first) {
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

void measure(const options& what, figures& into) {
    std::vector<std::uint64_t> first;
    while (first.size() < what.calls) first.push_back(what.first.at(first.size() % what.first.size()));
    repeat(what.number, first);
    for (unsigned round = 0; round < what.rounds; ++round) {
        const std::uint64_t begin = count();
        into.returned = repeat(what.number, first);
        into.counts.at(round) = count() - begin;
    }
    into.complete = true;
}

using attach = std::function<result<void>()>;

// Makes what one child attaches; all that can be done beforehand has been done.
using maker = std::function<result<attach>()>;

maker always(attach one) {
    return [one = std::move(one)]() -> result<attach> { return one; };
}

// With SECCOMP_FILTER_FLAG_SPEC_ALLOW, so that mitigations do not colour figures.
result<void> load_stock(std::vector<sock_filter>& program) {
    sock_fprog loaded = {static_cast<unsigned short>(program.size()), program.data()};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &loaded) != 0)
        return failure("seccomp");
    return {};
}

result<std::vector<sock_filter>> compile_stock(const options& what) {
    std::ifstream file(what.profile);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file) return failure("read " + what.profile);
    const diff::reference reference(text, {container_capabilities, 6, 1});
    return reference.program(what.engine == "stock" ? diff::number_search::linear : diff::number_search::tree);
}

result<maker> prepare_stock(const options& what) {
    auto program = compile_stock(what);
    if (!program) return program.error();
    return always([code = std::move(*program)]() mutable { return load_stock(code); });
}

result<void> put_on(const device& on, const policy& one) {
    const auto depth = attach_self(on, one);
    return depth ? result<void>() : result<void>(depth.error());
}

// The same program as stock's tree, in a policy.
result<maker> prepare_cbpf(const options& what) {
    auto program = compile_stock(what);
    if (!program) return program.error();
    auto opened = device::open();
    if (!opened) return opened.error();
    const auto checked = filter_program::create(std::move(*program), what.profile);
    if (!checked) return checked.error();
    auto on = std::make_shared<device>(std::move(*opened));
    auto made = policy::create(*on, *checked);
    if (!made) return made.error();
    auto held = std::make_shared<policy>(std::move(*made));
    return always([on, held] { return put_on(*on, *held); });
}

result<maker> prepare_ebpf(const options& what) {
    program_spec spec = {what.program, static_cast<std::uint32_t>(what.number), {}};
    std::ifstream file(what.members);
    for (std::uint64_t member = 0; file >> member;) spec.members.push_back(member);
    auto opened = device::open();
    if (!opened) return opened.error();
    auto on = std::make_shared<device>(std::move(*opened));
    return maker([on, spec]() -> result<attach> {
        auto made = create_program_policy(*on, spec);
        if (!made) return made.error();
        auto held = std::shared_ptr<int>(new int(*made), [](const int* number) {
            close(*number);
            delete number;
        });
        return attach([on, held] { return attach_program_policy(*on, *held); });
    });
}

result<maker> prepare_maps(const options& what) {
    const auto from = read_profile(what.profile, {container_capabilities, "amd64", 6, 1});
    if (!from) return from.error();
    const auto compiled = compile(*from, {"bench", unknown_calls::as_default, overlap_policy::as_libseccomp});
    if (!compiled) return compiled.error();
    auto opened = device::open();
    if (!opened) return opened.error();
    auto on = std::make_shared<device>(std::move(*opened));
    return maker([on, image = compiled->image]() -> result<attach> {
        auto made = policy::create(*on, image);
        if (!made) return made.error();
        auto held = std::make_shared<policy>(std::move(*made));
        return attach([on, held] { return put_on(*on, *held); });
    });
}

result<maker> prepare(const options& what) {
    if (what.engine == "none") return always([] { return result<void>(); });
    if (what.engine == "maps") return prepare_maps(what);
    if (what.engine == "cbpf") return prepare_cbpf(what);
    return what.engine == "ebpf" ? prepare_ebpf(what) : prepare_stock(what);
}

result<void> attach_all(const options& what, const attach& one) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failure("no_new_privs");
    for (unsigned turn = 0; turn < what.depth; ++turn)
        if (auto done = one(); !done) return done;
    return {};
}

[[noreturn]] void child(const options& what, const attach& one, figures& into) {
    if (auto attached = attach_all(what, one); !attached) {
        std::cerr << "calls: " << attached.error().message() << '\n';
        _exit(1);
    }
    measure(what, into);
    __builtin_trap();
}

// The least of the rounds: others were interrupted.
result<double> measure_in_child(const options& what, const attach& one, figures& into) {
    into = {};
    const pid_t pid = fork();
    if (pid < 0) return failure("fork");
    if (pid == 0) child(what, one, into);
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || !into.complete)
        return error{0, "measure", fmt::format("the child ended early, wait status {:#x}", status), ""};
    const auto least = *std::min_element(into.counts.begin(), into.counts.begin() + what.rounds);
    return static_cast<double>(least) / what.calls;
}

// The mean over policies: each one's tables are laid out by a random number of their own.
result<void> run(const options& what) {
    void* shared = mmap(nullptr, sizeof(figures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return failure("mmap");
    auto& into = *static_cast<figures*>(shared);
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const auto make = prepare(what);
    if (!make) return make.error();
    double sum = 0;
    for (unsigned turn = 0; turn < what.policies; ++turn) {
        const auto one = (*make)();
        if (!one) return one.error();
        const auto least = measure_in_child(what, *one, into);
        if (!least) return least.error();
        sum += *least;
    }
    std::cout << fmt::format("{:.4f} {}\n", sum / what.policies, into.returned);
    return {};
}

// Tasks that share a stack, until standard input ends: how much memory they take is read elsewhere.
result<void> hold(const options& what) {
    const auto make = prepare(what);
    if (!make) return make.error();
    const auto one = (*make)();
    if (!one) return one.error();
    if (auto attached = attach_all(what, *one); !attached) return attached;
    std::vector<pid_t> pids;
    for (unsigned made = 0; made < what.tasks; ++made) {
        const pid_t pid = fork();
        if (pid < 0) return failure("fork");
        if (pid == 0)
            for (;;) pause();
        pids.push_back(pid);
    }
    std::cout << "ready" << std::endl;
    std::cin.get();
    for (const pid_t pid : pids) kill(pid, SIGKILL);
    for (const pid_t pid : pids) waitpid(pid, nullptr, 0);
    return {};
}

}  // namespace

}  // namespace secmap::bench

int main(int argc, char** argv) {
    secmap::bench::options what;
    CLI::App app{"Counts what a call costs under a filter: prints the counts a call, and what the call returned."};
    app.add_option("--engine", what.engine)->check(CLI::IsMember({"none", "stock", "tree", "maps", "cbpf", "ebpf"}));
    app.add_option("--profile", what.profile, "OCI profile; for every engine but none and ebpf");
    app.add_option("--program", what.program, "of ebpf")->check(CLI::IsMember({"allow", "set", "bits"}));
    app.add_option("--members", what.members, "of ebpf: a file of the numbers in its table");
    app.add_option("--depth", what.depth, "how often it is attached");
    app.add_option("--number", what.number, "of the call");
    app.add_option("--first", what.first, "its first argument; several are taken in turn")->delimiter(',');
    app.add_option("--calls", what.calls, "in a round");
    app.add_option("--policies", what.policies, "made and measured, one after the other");
    app.add_option("--rounds", what.rounds)->check(CLI::Range(std::size_t{1}, secmap::bench::rounds_max));
    app.add_option("--tasks", what.tasks, "hold so many filtered tasks instead, until standard input ends");
    CLI11_PARSE(app, argc, argv);
    try {
        const auto done = what.tasks != 0 ? secmap::bench::hold(what) : secmap::bench::run(what);
        if (done) return EXIT_SUCCESS;
        std::cerr << "calls: " << done.error().message() << '\n';
    } catch (const std::exception& caught) {  // what the reader of tests/diff throws
        std::cerr << "calls: " << what.profile << ": " << caught.what() << '\n';
    }
    return EXIT_FAILURE;
}
