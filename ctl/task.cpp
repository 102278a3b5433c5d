// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl task list|show
#include <cerrno>
#include <fstream>
#include <memory>

#include <secmap/device.hpp>
#include <secmap/process.hpp>
#include <secmap/task.hpp>

#include "command.hpp"
#include "validators.hpp"

namespace secmap::ctl {

namespace {

// Empty for a thread that has ended, or is not in our pid namespace.
std::string thread_name(pid_t tid) {
    std::ifstream file("/proc/" + std::to_string(tid) + "/comm");
    std::string name;
    std::getline(file, name);
    return name;
}

result<task_list_report> list(const context& with) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    const auto found = task_list(*opened);
    if (!found) return found.error();
    task_list_report report;
    for (const task& each : *found)
        report.tasks.push_back({each.tid, each.tgid, each.depth, each.top_id, each.tid ? thread_name(each.tid) : ""});
    return report;
}

result<task_report> show(const context& with, pid_t pid) {
    const auto whom = process::open(pid);
    if (!whom) return whom.error();
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    const auto tids = whom->threads();
    if (!tids) return tids.error();
    task_report report{pid, {}};
    for (const pid_t tid : *tids) {
        auto carried = carried_stack(*opened, tid);
        if (carried)
            report.threads.push_back(
                {tid, thread_name(tid), std::move(carried->policies), std::move(carried->waiting)});
        else if (carried.error().number != ESRCH)
            return std::move(carried).error();
    }
    return report;
}

}  // namespace

void add_task(registry& to) {
    CLI::App* task = to.app.add_subcommand("task", "Threads that carry policies");
    task->require_subcommand(1);
    task->add_subcommand("list", "List the filtered threads")->callback([&to] {
        to.chosen = [](const context& with) { return to_outcome(list(with)); };
    });
    CLI::App* show_command = task->add_subcommand("show", "Show what each thread of a process carries");
    auto pid = std::make_shared<pid_t>(0);
    show_command->add_option("pid", *pid, "The process")
        ->required()
        ->check(number_up_to(highest_pid))
        ->type_name("PID");
    show_command->callback(
        [&to, pid] { to.chosen = [pid](const context& with) { return to_outcome(show(with, *pid)); }; });
}

}  // namespace secmap::ctl
