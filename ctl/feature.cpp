// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl feature
#include <sys/utsname.h>

#include "command.hpp"

namespace secmap::ctl {

namespace {

// A machine without the module is an answer, not a failure.
outcome show(const context& with) {
    feature_report report;
    utsname kernel = {};
    if (uname(&kernel) == 0) report.kernel = kernel.release;
    report.device = with.device;
    auto opened = device::open(with.device);
    if (!opened) {
        report.missing = std::move(opened).error();
        return value(std::move(report));
    }
    auto info = opened->info();
    if (!info) return failure{std::move(info).error()};
    report.info = std::move(info).value();
    return value(std::move(report));
}

}  // namespace

void add_feature(registry& to) {
    CLI::App* feature = to.app.add_subcommand("feature", "Show what this kernel and this module can do");
    feature->callback([&to] { to.chosen = show; });
}

}  // namespace secmap::ctl
