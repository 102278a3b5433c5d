// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl policy diff: what changes from one profile to another.
#include <memory>
#include <utility>

#include <secmap/simulator.hpp>

#include "command.hpp"
#include "difference.hpp"
#include "profile_options.hpp"

namespace secmap::ctl {

namespace {

struct diff_options {
    profile_options before;
    profile_options after;
};

// What the module would refuse is no policy that could be compared.
result<loaded_profile> load_good(const profile_options& options) {
    auto loaded = load(options);
    if (!loaded) return loaded;
    if (auto built = simulator::create(loaded->image); !built) {
        error failure = std::move(built).error();
        failure.text = options.file + ": " + failure.text;
        return failure;
    }
    return loaded;
}

outcome diff(const diff_options& options) {
    auto before = load_good(options.before);
    if (!before) return failure{std::move(before).error(), status::cannot_compare};
    profile_options same_way = options.before;
    same_way.file = options.after.file;
    auto after = load_good(same_way);
    if (!after) return failure{std::move(after).error(), status::cannot_compare};
    auto abis = difference(before->image, after->image);
    return value(diff_report{std::move(before->source), std::move(after->source), std::move(abis)});
}

}  // namespace

void add_policy_diff(CLI::App& policy, registry& to) {
    CLI::App* command = policy.add_subcommand("diff", "Say what changes from one profile to another");
    auto options = std::make_shared<diff_options>();
    command->add_option("before", options->before.file, "The profile as it was; - for standard input")
        ->required()
        ->type_name("FILE");
    command->add_option("after", options->after.file, "The profile as it is")->required()->type_name("FILE");
    add_deciding_options(*command, options->before);
    command->callback([&to, options] {
        if (options->before.file == "-" && options->after.file == "-")
            throw CLI::ValidationError("after", "only one of the profiles can be standard input");
        to.chosen = [options](const context&) { return diff(*options); };
    });
}

}  // namespace secmap::ctl
