// SPDX-License-Identifier: LGPL-2.1-or-later
#include "target.hpp"

#include <map>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "unit.hpp"
#include "validators.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

// Threads for which it fails alike are told together: "threads 2, 3: why (what to do)".
std::string failures_words(const std::vector<thread_changes::failure>& of) {
    std::map<std::string, std::vector<pid_t>> alike;
    for (const auto& [tid, why] : of) {
        const std::string hint = why.hint.empty() ? "" : fmt::format(" ({})", why.hint);
        alike[why.text + hint].push_back(tid);
    }
    std::vector<std::string> all;
    for (const auto& [why, tids] : alike)
        all.push_back(fmt::format("thread{} {}: {}", tids.size() == 1 ? "" : "s", fmt::join(tids, ", "), why));
    return fmt::format("{}", fmt::join(all, "; "));
}

error incomplete(change what, const std::string& cgroup, const std::vector<thread_changes::failure>& failed) {
    return {failed.front().error.number,
            fmt::format("{} cgroup {}", what == change::attached ? "attach to" : "detach from", cgroup),
            fmt::format("{} could not be changed: {}", counted(failed.size(), "thread"), failures_words(failed)), ""};
}

}  // namespace

target_flags add_target_options(CLI::App& to, target_options& options) {
    auto* whom = to.add_option_group("target", "Whom, one of");
    auto* pid = whom->add_option("--pid", options.pid, "The process, all its threads")
                    ->check(number_up_to(highest_pid))
                    ->type_name("PID");
    auto* group =
        whom->add_option("--cgroup", options.cgroup, "The control group, all tasks of it and of those below it")
            ->check([](const std::string& path) { return path.empty() ? "'' is not the path of a cgroup" : ""; })
            ->type_name("PATH");
    auto* unit = whom->add_option("--unit", options.unit, "The control group of this unit of systemd")
                     ->check(unit_name())
                     ->type_name("NAME");
    return {whom, pid, group, unit};
}

result<target> target::open(const target_options& options) {
    if (options.pid != 0) {
        auto found = process::open(options.pid);
        if (!found) return std::move(found).error();
        return target(std::move(found).value(), "");
    }
    const std::string unit = options.unit.empty() ? "" : full_unit_name(options.unit);
    const auto path = unit.empty() ? result<std::string>(options.cgroup) : control_group(unit);
    if (!path) return path.error();
    auto found = cgroup::open(*path);
    if (!found) return std::move(found).error();
    return target(std::move(found).value(), unit);
}

result<change_report> target::report(change what, std::optional<std::uint32_t> policy_id,
                                     result<thread_changes> from) const {
    if (!from) return std::move(from).error();
    change_report made{what, 0, "", unit_, policy_id, std::move(from).value(), {}, in_force::now};
    if (const process* of = as_process()) made.pid = of->pid();
    if (const cgroup* of = as_group()) made.cgroup = of->path();
    if (!made.threads.failed.empty()) made.incomplete = incomplete(what, made.cgroup, made.threads.failed);
    return made;
}

result<change_report> target::attach(const device& on, const attachment& which) const {
    return report(change::attached, which.policy_id,
                  std::visit([&](const auto& whom) { return whom.attach(on, which); }, found_));
}

result<change_report> target::attach(const device& on, const attachment& which, pid_t tid) const {
    return report(change::attached, which.policy_id, std::get<process>(found_).attach(on, which, tid));
}

result<change_report> target::detach(const device& on, std::optional<std::uint32_t> policy_id) const {
    const auto done = [&](const auto& whom) { return policy_id ? whom.detach(on, *policy_id) : whom.detach(on); };
    return report(change::detached, policy_id, std::visit(done, found_));
}

}  // namespace secmap::ctl
