// SPDX-License-Identifier: LGPL-2.1-or-later
// secmap-oci-hook: a hook of the OCI runtime specification, of the stage createRuntime, that has secmap hold a container.
// Whatever fails, the runtime is told so by the exit status, and does not start the container.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <syslog.h>
#include <unistd.h>

#include <secmap/device.hpp>
#include <secmap/engine.hpp>
#include <secmap/process.hpp>
#include <secmap/task.hpp>

#include "annotations.hpp"
#include "container_policy.hpp"
#include "container_state.hpp"
#include "exec_watch.hpp"
#include "supervisor.hpp"

namespace secmap::oci {

namespace {

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

/// Who is filtered takes nothing off another task: better now than when the container starts.
result<void> check_ourselves(const device& on) {
    const auto carried = task_policies(on, 0);
    if (!carried) return carried.error();
    if (carried->empty()) return {};
    return error{EPERM, "look at the hook itself", "secmap filters it, so it may take nothing off another task",
                 "start the container engine outside of secmapctl run and notify"};
}

result<void> hold(const container_state& of, const request& wanted) {
    auto staged = check_stage(of);
    if (!staged) return staged;
    const auto image = compile_policy(of, wanted);
    if (!image) return image.error();
    auto opened = device::open();
    if (!opened) return std::move(opened).error();
    auto unfiltered = check_ourselves(*opened);
    if (!unfiltered) return unfiltered;
    auto held = create_policy(*opened, *image, wanted.by);
    if (!held) return std::move(held).error();
    auto init = process::open(of.pid);
    if (!init) return std::move(init).error();
    auto watch = exec_watch::attach(*opened, *init, object_name("exec-", of.id));
    if (!watch) return std::move(watch).error();
    attach_options how;
    if (wanted.log) how.log();
    return supervisor(std::move(opened).value(), container{of.id, of.pid, std::move(held).value(), how},
                      std::move(watch).value())
        .start();
}

/// To the system's log as well: crun shows nothing of what a hook says.
int fail(const std::string& whom, const error& what) {
    syslog(LOG_ERR, "%s%s", whom.c_str(), what.message().c_str());
    fmt::print(stderr, "secmap-oci-hook: {}{}\n", whom, what.message());
    return exit_failure;
}

int run() {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    const auto state = parse_state(text);
    if (!state) return fail("", state.error());
    const std::string whom = "container " + state->id + ": ";
    const auto wanted = read_request(state->annotated);
    if (!wanted) return fail(whom, wanted.error());
    if (!*wanted) return 0;
    const auto done = hold(*state, **wanted);
    return done ? 0 : fail(whom, done.error());
}

int explain(std::string_view argument) {
    if (argument == "--version") {
        fmt::print("secmap-oci-hook {}\n", SECMAP_VERSION);
        return 0;
    }
    const bool asked = argument == "--help";
    fmt::print(asked ? stdout : stderr,
               "usage: secmap-oci-hook < STATE\n"
               "A hook of the stage createRuntime: see secmap-oci-hook(8).\n");
    return asked ? 0 : exit_usage;
}

}  // namespace

}  // namespace secmap::oci

int main(int argc, char** argv) {
    if (argc > 1) return secmap::oci::explain(argc == 2 ? argv[1] : "");
    // What the runtime has left open is not to be kept open by the supervisor.
    close_range(STDERR_FILENO + 1, ~0U, 0);
    openlog("secmap-oci-hook", LOG_PID, LOG_DAEMON);
    return secmap::oci::run();
}
