// SPDX-License-Identifier: LGPL-2.1-or-later
// secmap-diff: compares what libsecmap makes of profiles, for each engine, with what libseccomp makes of them.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <random>
#include <stdexcept>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <secmap/device.hpp>
#include <secmap/names.hpp>

#include "comparison.hpp"
#include "oracle.hpp"
#include "random_profile.hpp"

namespace secmap::diff {

namespace {

struct options {
    std::vector<std::string> profiles;
    std::string oracle;
    std::uint64_t random = 0;
    std::uint64_t calls = 2000000;
    std::uint64_t seed = 0;
    std::vector<std::string> capabilities;
    bool enosys = false;
    std::string device;
    std::string keep;
};

std::string read_file(const std::string& path) {
    std::ifstream input(path, std::ios::binary);
    if (!input) throw std::runtime_error(path + ": cannot be read");
    return {std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>()};
}

/// Runs what was asked for, and adds it up.
class session final {
public:
    explicit session(const options& wanted) : wanted_(wanted) {
        if (wanted.device.empty()) return;
        auto opened = device::open(wanted.device);
        if (!opened) throw std::runtime_error(opened.error().message());
        device_.emplace(std::move(*opened));
    }

    void run() {
        for (const std::string& path : wanted_.profiles) compare(path, read_file(path), wanted_.seed);
        if (!wanted_.oracle.empty())
            for (const oracle_profile& each : read_oracle(wanted_.oracle)) ask_oracle(each);
        for (std::uint64_t i = 0; i < wanted_.random; ++i) {
            const std::uint64_t seed = wanted_.seed + i;
            const std::string text = random_profile(seed);
            if (!wanted_.keep.empty()) std::ofstream(fmt::format("{}/{}.json", wanted_.keep, seed)) << text;
            compare(fmt::format("random profile {}", seed), text, seed);
        }
    }

    [[nodiscard]] bool report() const {
        for (const std::string& line : failures_) fmt::print("FAILED {}\n", line);
        if (cases_ != 0) fmt::print("oracle: {} of {} decisions as expected\n", cases_ - cases_failed_, cases_);
        fmt::print(
            "total: {} profiles, {} refused by both, {} lost by libseccomp, {} calls compared, {} different, "
            "{} explained, {} programs too long, {} failed\n",
            profiles_, refused_, lost_, total_.compared, total_.different, total_.explained, too_long_,
            failures_.size());
        return total_.different == 0 && cases_failed_ == 0 && failures_.empty();
    }

private:
    [[nodiscard]] subject subject_of(std::string name, std::string text) const {
        return {std::move(name),
                std::move(text),
                {wanted_.capabilities, 6, 1},
                wanted_.enosys ? unknown_calls::enosys : unknown_calls::as_default};
    }

    std::optional<comparison*> compare(const std::string& name, const std::string& text, std::uint64_t seed) {
        ++profiles_;
        try {
            current_.emplace(subject_of(name, text));
            if (current_->lost()) {
                ++lost_;
                return std::nullopt;
            }
            if (current_->refused()) {
                ++refused_;
                return std::nullopt;
            }
            if (device_) current_->use(*device_);
            const tally made = current_->run(wanted_.calls, seed);
            total_.add(made);
            if (!name.starts_with("random") || made.different != 0)
                fmt::print("{}: {} calls compared, {} different, {} explained\n", name, made.compared, made.different,
                           made.explained);
            for (const std::string& line : current_->too_long()) fmt::print("  {}\n", line);
            too_long_ += current_->too_long().size();
            for (const std::string& line : made.shown) fmt::print("  {}\n", line);
            return &*current_;
        } catch (const std::exception& failure) {
            failures_.push_back(fmt::format("{}: {}", name, failure.what()));
            return std::nullopt;
        }
    }

    void ask_oracle(const oracle_profile& of) {
        const auto made = compare(of.name, read_file(of.file.string()), wanted_.seed);
        // The table was written without runc's stub.
        if (wanted_.enosys) return;
        cases_ += of.cases.size();
        if (!made) {
            cases_failed_ += of.cases.size();
            return;
        }
        std::vector<seccomp_data> calls;
        for (const oracle_case& each : of.cases) calls.push_back(each.call);
        const auto answers = (*made)->answers(calls);
        for (std::size_t i = 0; i < calls.size(); ++i) {
            if (answers[i] == of.cases[i].action) continue;
            ++cases_failed_;
            fmt::print("cases.tsv:{}: {}, expected {}\n", of.cases[i].line, action_text(answers[i]),
                       action_text(of.cases[i].action));
        }
    }

    const options& wanted_;
    std::optional<device> device_;
    std::optional<comparison> current_;
    tally total_;
    std::uint64_t profiles_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t too_long_ = 0;  ///< programs
    std::size_t cases_ = 0;
    std::size_t cases_failed_ = 0;
    std::vector<std::string> failures_;
};

int run(const options& wanted) {
    fmt::print("seed {}\n", wanted.seed);
    session all(wanted);
    all.run();
    return all.report() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

}  // namespace secmap::diff

int main(int argc, char** argv) {
    secmap::diff::options wanted;
    wanted.seed = std::random_device()();
    CLI::App app("Compares every decision of libsecmap with libseccomp's.");
    app.add_option("--profile", wanted.profiles, "A profile; may be given several times");
    app.add_option("--oracle", wanted.oracle, "A folder with profiles/ and cases.tsv");
    app.add_option("--random", wanted.random, "How many random profiles, of the seed and those after it");
    app.add_option("--calls", wanted.calls, "Random calls for each profile, besides all edges");
    app.add_option("--seed", wanted.seed, "Where randomness begins; printed")->envname("SECMAP_SEED");
    app.add_option("--capability", wanted.capabilities, "A capability that the container has");
    app.add_flag("--enosys", wanted.enosys, "With runc's ENOSYS for calls that are newer than the profile");
    app.add_option("--device", wanted.device, "Ask the module through this device instead of running policies here");
    app.add_option("--keep", wanted.keep, "Write the random profiles to this folder");
    CLI11_PARSE(app, argc, argv);
    try {
        return secmap::diff::run(wanted);
    } catch (const std::exception& failure) {
        fmt::print(stderr, "secmap-diff: {}\n", failure.what());
        return EXIT_FAILURE;
    }
}
