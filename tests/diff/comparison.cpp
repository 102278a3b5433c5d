// SPDX-License-Identifier: LGPL-2.1-or-later
#include "comparison.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <linux/audit.h>

#include <secmap/names.hpp>
#include <secmap/program_compiler.hpp>

#include "calls.hpp"
#include "cbpf.hpp"

namespace secmap::diff {

namespace {

constexpr std::size_t batch = 4096;
constexpr std::size_t shown_most = 10;

/// At most so many combinations of edges for one number.
constexpr std::size_t edges_most = 20000;

std::string call_text(const seccomp_data& call) {
    return fmt::format("arch {:#x} nr {:#x} args {:#x} {:#x} {:#x} {:#x} {:#x} {:#x}", call.arch,
                       static_cast<std::uint32_t>(call.nr), call.args[0], call.args[1], call.args[2], call.args[3],
                       call.args[4], call.args[5]);
}

judge by_itself(const auto& program) {
    return [&program](std::span<const seccomp_data> calls) {
        std::vector<std::uint32_t> actions;
        actions.reserve(calls.size());
        for (const seccomp_data& call : calls) actions.push_back(program.judge(call).action);
        return actions;
    };
}

judge in_kernel(const policy& which, const device& on) {
    return [&which, &on](std::span<const seccomp_data> calls) {
        const auto verdicts = which.test(on, calls);
        if (!verdicts) throw std::runtime_error(verdicts.error().message());
        std::vector<std::uint32_t> actions;
        actions.reserve(calls.size());
        for (const verdict& each : *verdicts) actions.push_back(each.action);
        return actions;
    };
}

policy taken(result<policy> made) {
    if (!made) throw std::runtime_error(made.error().message());
    return std::move(made).value();
}

}  // namespace

void tally::add(const tally& other) {
    compared += other.compared;
    explained += other.explained;
    different += other.different;
    for (const std::string& line : other.shown)
        if (shown.size() < shown_most) shown.push_back(line);
}

comparison::comparison(const subject& of) : reference_(of.text, of.here), unknown_(of.unknown) {
    std::optional<std::string> refused;
    try {
        linear_ = reference_.program(bench::number_search::linear);
        tree_ = reference_.program(bench::number_search::tree);
    } catch (const bench::refused_by_libseccomp& refusal) {
        refused = refusal.what();
    } catch (const bench::lost_by_libseccomp&) {
        lost_ = true;
        return;
    }
    profile_host host;
    host.capabilities = of.here.capabilities;
    host.kernel_major = of.here.kernel_major;
    host.kernel_minor = of.here.kernel_minor;
    const auto read = parse_profile(of.text, of.name, host);
    if (!read) throw std::runtime_error(read.error().message());
    auto compiled = compile(*read, {"diff", of.unknown, overlap_policy::as_libseccomp});
    if (compiled.ok() == refused.has_value())
        throw std::runtime_error(fmt::format("{}: only one refuses it: libsecmap: {}; libseccomp: {}", of.name,
                                             compiled.ok() ? "taken" : compiled.error().message(),
                                             refused.value_or("taken")));
    if (refused) {
        refused_ = compiled.error().message();
        return;
    }
    check(linear_);
    check(tree_);
    image_ = std::move(compiled->image);
    auto made = simulator::create(image_);
    if (!made) throw std::runtime_error(fmt::format("{}: {}", of.name, made.error().message()));
    simulator_.emplace(std::move(*made));
    ours_ = by_itself(*simulator_);
    add_programs();
}

/// A program that would be too long is one fewer to ask; that it is refused for anything else is a failure.
void comparison::add_programs() {
    const auto note = [this](const error& refusal) {
        if (refusal.number != E2BIG) throw std::runtime_error(refusal.message());
        too_long_.push_back(refusal.message());
    };
    if (auto image = compile_ebpf(image_)) {
        auto made = ebpf_program::create(std::move(image).value());
        if (!made) throw std::runtime_error(made.error().message());
        ebpf_.emplace(std::move(made).value());
        engines_.push_back(
            {"ebpf", by_itself(*ebpf_), [this](abi which) { return ebpf_->predicted_allowed(which); }, {}});
    } else {
        note(image.error());
    }
    if (auto made = compile_cbpf(image_)) {
        cbpf_.emplace(std::move(made).value());
        engines_.push_back(
            {"cbpf", by_itself(*cbpf_), [this](abi which) { return cbpf_->predicted_allowed(which); }, {}});
    } else {
        note(made.error());
    }
}

void comparison::use(const device& on) {
    policy_.emplace(taken(policy::create(on, image_)));
    ours_ = in_kernel(*policy_, on);
    for (engine& each : engines_) {
        each.in_kernel.emplace(
            taken(each.name == "ebpf" ? policy::create(on, *ebpf_, "diff") : policy::create(on, *cbpf_, "diff")));
        each.ask = in_kernel(*each.in_kernel, on);
    }
}

std::uint32_t comparison::expected(const seccomp_data& call) const {
    if (unknown_ == unknown_calls::enosys)
        if (const auto answer = reference_.stub(call)) return *answer;
    return diff::run(tree_, call);
}

/// docs/differences.md, 1 and 2: numbers that exist in no ABI, where runc's stub compares them as they are.
bool comparison::is_explained(const seccomp_data& call) const {
    if (unknown_ != unknown_calls::enosys || !reference_.stub(call)) return false;
    const auto number = static_cast<std::uint32_t>(call.nr);
    return number == ~0U || (number >> 30) == 2;
}

/// docs/differences.md, 3: the linear program compares numbers without having loaded one.
bool comparison::forgets_to_load(const seccomp_data& call) const {
    if (call.arch != AUDIT_ARCH_X86_64) return false;
    for (std::size_t index = 0; index < linear_.size(); ++index) {
        const sock_filter& at = linear_[index];
        if (at.code == (BPF_JMP | BPF_JEQ | BPF_K) && at.k == AUDIT_ARCH_X86_64)
            return linear_.at(index + 1 + at.jt).code != (BPF_LD | BPF_W | BPF_ABS);
    }
    return false;
}

/// A program with the maps, which are compared with libseccomp themselves.
void comparison::compare(const engine& with, std::span<const seccomp_data> calls,
                         const std::vector<std::uint32_t>& wanted, tally& into) const {
    const auto actual = with.ask(calls);
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (actual[i] == wanted[i]) continue;
        ++into.different;
        if (into.shown.size() < shown_most)
            into.shown.push_back(fmt::format("{}: {} {}, maps {}", call_text(calls[i]), with.name,
                                             action_text(actual[i]), action_text(wanted[i])));
    }
}

/// Every number that the maps allow without looking at arguments, and no other.
void comparison::compare_allowed(const engine& with, tally& into) const {
    for (const abi which : {abi::x86_64, abi::x32, abi::i386}) {
        std::vector<std::uint32_t> differ;
        std::ranges::set_symmetric_difference(with.allowed(which), simulator_->allowed(which),
                                              std::back_inserter(differ));
        into.different += differ.size();
        for (const std::uint32_t number : differ)
            if (into.shown.size() < shown_most)
                into.shown.push_back(fmt::format("{} on {}: {} and maps do not both allow it without its arguments",
                                                 call_name(which, number), abi_name(which), with.name));
    }
}

void comparison::compare(std::span<const seccomp_data> calls, tally& into) const {
    const auto actual = ours_(calls);
    for (const engine& each : engines_) compare(each, calls, actual, into);
    for (std::size_t i = 0; i < calls.size(); ++i) {
        const std::uint32_t wanted = expected(calls[i]);
        std::uint32_t linear = diff::run(linear_, calls[i]);
        if (unknown_ == unknown_calls::enosys) linear = reference_.stub(calls[i]).value_or(linear);
        ++into.compared;
        if (actual[i] == wanted && actual[i] == linear) continue;
        if (is_explained(calls[i]) || (actual[i] == wanted && forgets_to_load(calls[i]))) {
            ++into.explained;
            continue;
        }
        ++into.different;
        if (into.shown.size() < shown_most)
            into.shown.push_back(fmt::format("{}: libsecmap {}, libseccomp's tree {}, linear {}", call_text(calls[i]),
                                             action_text(actual[i]), action_text(wanted), action_text(linear)));
    }
}

tally comparison::run(std::uint64_t count, std::uint64_t seed) {
    tally made;
    interesting_calls source(reference_, seed);
    std::vector<seccomp_data> calls;
    const auto flush = [&] {
        compare(calls, made);
        calls.clear();
    };
    source.edges(edges_most, [&](const seccomp_data& call) {
        calls.push_back(call);
        if (calls.size() == batch) flush();
    });
    for (std::uint64_t i = 0; i < count; ++i) {
        calls.push_back(source.next());
        if (calls.size() == batch) flush();
    }
    flush();
    for (const engine& each : engines_) compare_allowed(each, made);
    return made;
}

}  // namespace secmap::diff
