// SPDX-License-Identifier: LGPL-2.1-or-later
#include "random_profile.hpp"

#include <array>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace secmap::diff {

namespace {

using nlohmann::json;

/// Of all three ABIs, of one, multiplexed on i386, and unknown.
constexpr std::array names = {
    "read",
    "write",
    "openat",
    "ioctl",
    "clone",
    "socket",
    "connect",
    "accept4",
    "personality",
    "prctl",
    "mmap",
    "futex",
    "shmget",
    "semop",
    "msgctl",
    "shmat",
    "getppid",
    "arch_prctl",
    "mmap2",
    "fcntl64",
    "_llseek",
    "clock_gettime",
    "execve",
    "preadv2",
    "statx",
    "io_setup",
    "kexec_load",
    "bind",
    "getsockopt",
    "ipc",
    "socketcall",
    "time",
    "clone3",
    "close_range",
    "landlock_add_rule",
    "process_mrelease",
    "no_such_call",
    "recvmmsg_time64",
};

constexpr std::array operators = {"SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_LT",       "SCMP_CMP_LE",
                                  "SCMP_CMP_GT", "SCMP_CMP_GE", "SCMP_CMP_MASKED_EQ"};

constexpr std::array actions = {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL",  "SCMP_ACT_KILL_PROCESS",
                                "SCMP_ACT_TRAP",  "SCMP_ACT_LOG",   "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY"};

class generator final {
public:
    explicit generator(std::uint64_t seed) : random_(seed) {}

    json profile() {
        actions_ = 1 + below(4);
        args_ = 1 + below(4);
        small_ = 2 + below(20);
        equal_ = below(3) == 0;
        json made;
        made["defaultAction"] = actions[below(7)];
        if (below(2) == 0) made["defaultErrnoRet"] = 1 + below(100);
        made["architectures"] = architectures();
        const std::size_t calls = 1 + below(below(3) == 0 ? names.size() : 4);
        for (std::size_t i = 0; i < calls; ++i) chosen_.emplace_back(names[below(names.size())]);
        made["syscalls"] = json::array();
        const std::size_t entries = 1 + below(below(4) == 0 ? 60 : 12);
        for (std::size_t i = 0; i < entries; ++i) made["syscalls"].push_back(entry());
        return made;
    }

private:
    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

    json architectures() {
        json made = json::array();
        for (const char* name : {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"})
            if (below(4) != 0) made.push_back(name);
        return made;
    }

    json entry() {
        json made;
        made["names"] = json::array();
        for (std::size_t i = 0, count = 1 + below(2); i < count; ++i) {
            std::string name = chosen_[below(chosen_.size())];
            made["names"].push_back(name == "write" ? "read" : name);
        }
        const std::string action = actions[below(actions_) + (actions_ == 1 ? below(2) : 0)];
        made["action"] = action;
        if (action == "SCMP_ACT_ERRNO" || action == "SCMP_ACT_TRACE") made["errnoRet"] = below(4);
        made["args"] = json::array();
        const std::size_t count = below(12) == 0 ? 0 : 1 + below(args_);
        for (std::size_t i = 0; i < count; ++i) {
            // Mostly each argument once; now and then the same one again, which means "or".
            const std::uint64_t index = below(15) == 0 ? below(6) : i;
            made["args"].push_back(condition(index));
        }
        return made;
    }

    json condition(std::uint64_t index) {
        json made;
        made["index"] = index;
        const std::size_t op = equal_ && below(5) != 0 ? 0 : below(operators.size());
        made["op"] = operators[op];
        made["value"] = value();
        if (op == 6) {
            made["value"] = mask();
            made["valueTwo"] = below(3) == 0 ? value() : value() & made["value"].get<std::uint64_t>();
        }
        return made;
    }

    std::uint64_t value() {
        switch (below(12)) {
            case 0: return (below(3) << 32) | below(small_);
            case 1: return ~below(small_);
            case 2: return 0xffffffffU - below(3);
            case 3: return (1ULL << 32) + below(3) - 1;
            case 4: return 1ULL << below(64);
            case 5: return random_();
            default: return below(small_);
        }
    }

    std::uint64_t mask() {
        switch (below(6)) {
            case 0: return random_();
            case 1: return ~0ULL;
            case 2: return 0xffffffffU;
            case 3: return (below(16) << 32) | below(16);
            case 4: return 0xffffffff00000000ULL;
            default: return below(64);
        }
    }

    std::mt19937_64 random_;
    std::uint64_t actions_ = 1;
    std::uint64_t args_ = 1;
    std::uint64_t small_ = 8;
    bool equal_ = false;
    std::vector<std::string> chosen_;
};

}  // namespace

std::string random_profile(std::uint64_t seed) { return generator(seed).profile().dump(1); }

}  // namespace secmap::diff
