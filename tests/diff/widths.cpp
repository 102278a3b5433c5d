// SPDX-License-Identifier: LGPL-2.1-or-later
// secmap-widths: random profiles with the kernel's widths of arguments decide each call as with libseccomp's the same call
// is decided whose upper halves are 0 where the kernel does not look.
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <linux/audit.h>
#include <CLI/CLI.hpp>

#include <secmap/call_arguments.hpp>
#include <secmap/names.hpp>
#include <secmap/profile.hpp>
#include <secmap/simulator.hpp>

#include "random_profile.hpp"

namespace secmap::diff {

namespace {

constexpr std::uint64_t low_half = 0xffffffff;

struct options {
    std::uint64_t profiles = 100;
    std::uint64_t calls = 20000;
    std::uint64_t seed = 1;
};

// What is written with its sign is another number with the kernel's widths.
profile without_signs(profile from) {
    for (profile_entry& entry : from.entries)
        for (profile_arg& arg : entry.args)
            for (std::uint64_t* value : {&arg.value, &arg.value_two})
                if (*value >> 31 == 0x1ffffffff) *value &= low_half;
    return from;
}

class pair final {
public:
    pair(std::uint64_t seed, const policy_image& whole, const policy_image& cut)
        : seed_(seed), whole_(taken(simulator::create(whole))), cut_(taken(simulator::create(cut))), random_(seed) {
        for (const abi_section& section : whole.sections)
            if (section.abi == abi::x86_64)
                for (const rule& each : section.rules) learn(each, whole);
    }

    /// How many calls had something in an upper half that is not looked at.
    std::uint64_t ask(std::uint64_t calls) {
        std::uint64_t with_more = 0;
        for (std::uint64_t i = 0; i < calls && !numbers_.empty(); ++i) {
            seccomp_data call = {};
            call.arch = AUDIT_ARCH_X86_64;
            call.nr = static_cast<int>(numbers_[random_() % numbers_.size()]);
            for (auto& arg : call.args) arg = value();
            const seccomp_data plain = as_seen(call);
            const std::uint32_t wanted = whole_.judge(plain).action;
            const std::uint32_t actual = cut_.judge(call).action;
            if (actual != wanted)
                throw std::runtime_error(fmt::format("seed {}: {}({:#x}, {:#x}, {:#x}): {}, not {}", seed_,
                                                     call_name(abi::x86_64, static_cast<std::uint32_t>(call.nr)),
                                                     call.args[0], call.args[1], call.args[2], action_text(actual),
                                                     action_text(wanted)));
            with_more += whole_.judge(call).action != wanted ? 1 : 0;
        }
        return with_more;
    }

private:
    template <typename T>
    static T taken(result<T> made) {
        if (!made) throw std::runtime_error(made.error().message());
        return std::move(made).value();
    }

    void learn(const rule& from, const policy_image& image) {
        numbers_.push_back(from.nr);
        for (const condition& at : from.conditions) {
            values_.push_back(at.value);
            if (at.op == comparison::in || at.op == comparison::not_in)
                values_.insert(values_.end(), image.tables[at.table].keys.begin(), image.tables[at.table].keys.end());
        }
    }

    std::uint64_t value() {
        const std::uint64_t near =
            values_.empty() ? random_() % 4 : values_[random_() % values_.size()] + random_() % 3 - 1;
        return random_() % 2 == 0 ? near : (near & low_half) | (1ULL << (32 + random_() % 32));
    }

    static seccomp_data as_seen(seccomp_data call) {
        const std::string name = call_name(abi::x86_64, static_cast<std::uint32_t>(call.nr));
        for (std::uint8_t arg = 0; arg < 6; ++arg)
            if (argument_width(abi::x86_64, name, arg) <= 32) call.args[arg] &= low_half;
        return call;
    }

    std::uint64_t seed_;
    simulator whole_;
    simulator cut_;
    std::mt19937_64 random_;
    std::vector<std::uint32_t> numbers_;
    std::vector<std::uint64_t> values_;
};

int run(const options& wanted) {
    std::uint64_t different = 0;
    std::uint64_t refused = 0;
    for (std::uint64_t seed = wanted.seed; seed < wanted.seed + wanted.profiles; ++seed) {
        const auto read = parse_profile(random_profile(seed), "random", {});
        if (!read) throw std::runtime_error(read.error().message());
        profile from = without_signs(*read);
        from.abis = {abi::x86_64};
        compile_options how;
        const auto whole = compile(from, how);
        how.widths = argument_widths::as_kernel;
        const auto cut = compile(from, how);
        if (whole && cut)
            different += pair(seed, whole->image, cut->image).ask(wanted.calls);
        else
            ++refused;
    }
    fmt::print("{} profiles, {} refused, {} calls each, 0 wrong; for {} of them libseccomp's widths decide otherwise\n",
               wanted.profiles, refused, wanted.calls, different);
    return different != 0 && refused * 2 < wanted.profiles ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

}  // namespace secmap::diff

int main(int argc, char** argv) {
    secmap::diff::options wanted;
    CLI::App app("secmap-widths: compares only what the kernel looks at");
    app.add_option("--profiles", wanted.profiles, "How many");
    app.add_option("--calls", wanted.calls, "Calls for each");
    app.add_option("--seed", wanted.seed, "The first");
    CLI11_PARSE(app, argc, argv);
    try {
        return secmap::diff::run(wanted);
    } catch (const std::exception& failure) {
        fmt::print(stderr, "secmap-widths: {}\n", failure.what());
        return EXIT_FAILURE;
    }
}
