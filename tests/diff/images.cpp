// SPDX-License-Identifier: LGPL-2.1-or-later
// secmap-images: compares the engines on policies that no profile becomes.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <secmap/ebpf_program.hpp>
#include <secmap/names.hpp>
#include <secmap/program_compiler.hpp>
#include <secmap/simulator.hpp>

#include "random_image.hpp"

namespace secmap::diff {

namespace {

struct options {
    std::uint64_t images = 1000;
    std::uint64_t calls = 10000;
    std::uint64_t seed = 0;
};

template <typename T>
T taken(result<T> made) {
    if (!made) throw std::runtime_error(made.error().message());
    return std::move(made).value();
}

/// One policy by each engine.
class trio final {
public:
    explicit trio(std::uint64_t seed)
        : seed_(seed),
          source_(seed),
          maps_(taken(simulator::create(source_.image()))),
          ebpf_(taken(ebpf_program::create(taken(compile_ebpf(source_.image()))))),
          cbpf_(taken(compile_cbpf(source_.image()))) {}

    void ask(std::uint64_t calls) {
        for (std::uint64_t i = 0; i < calls; ++i) {
            const seccomp_data call = source_.call();
            const std::uint32_t wanted = maps_.judge(call).action;
            expect(call, "ebpf", ebpf_.judge(call).action, wanted);
            expect(call, "cbpf", cbpf_.judge(call).action, wanted);
        }
        for (const abi which : {abi::x86_64, abi::x32, abi::i386}) {
            const auto wanted = maps_.allowed(which);
            if (!std::ranges::includes(ebpf_.predicted_allowed(which), wanted) ||
                !std::ranges::includes(cbpf_.predicted_allowed(which), wanted))
                throw std::runtime_error(
                    fmt::format("seed {}: maps allow calls of {} that are not predicted", seed_, abi_name(which)));
        }
    }

private:
    void expect(const seccomp_data& call, const char* engine, std::uint32_t actual, std::uint32_t wanted) const {
        if (actual == wanted) return;
        throw std::runtime_error(fmt::format("seed {}: arch {:#x} nr {:#x} args {:#x} {:#x}: {} {}, maps {}", seed_,
                                             call.arch, static_cast<std::uint32_t>(call.nr), call.args[0], call.args[1],
                                             engine, action_text(actual), action_text(wanted)));
    }

    std::uint64_t seed_;
    random_image source_;
    simulator maps_;
    ebpf_program ebpf_;
    filter_program cbpf_;
};

}  // namespace

}  // namespace secmap::diff

int main(int argc, char** argv) {
    secmap::diff::options wanted;
    wanted.seed = std::random_device()();
    CLI::App app("Compares the engines on random policies.");
    app.add_option("--images", wanted.images, "How many, of the seed and those after it");
    app.add_option("--calls", wanted.calls, "Calls for each");
    app.add_option("--seed", wanted.seed, "Where randomness begins; printed")->envname("SECMAP_SEED");
    CLI11_PARSE(app, argc, argv);
    fmt::print("seed {}\n", wanted.seed);
    try {
        for (std::uint64_t i = 0; i < wanted.images; ++i) secmap::diff::trio(wanted.seed + i).ask(wanted.calls);
    } catch (const std::exception& failure) {
        fmt::print("{}\n", failure.what());
        return EXIT_FAILURE;
    }
    fmt::print("total: {} policies, {} calls of each, 0 different\n", wanted.images, wanted.calls);
    return EXIT_SUCCESS;
}
