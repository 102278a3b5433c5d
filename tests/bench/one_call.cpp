// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes one call under a profile, in a task of its own, and prints what it returned:
//
//   bench-one-call stock|maps FILE NUMBER FIRST-ARGUMENT
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "../../bench/engine.hpp"
#include "../../bench/task.hpp"
#include "../../ctl/capability.hpp"

namespace secmap::bench {

namespace {

result<sample> make_call(engine by, const scenario& of, const filter_source& from) {
    const auto maker = prepare(by, of, from);
    if (!maker) return maker.error();
    const auto made = (*maker)();
    if (!made) return made.error();
    const auto runner = task_runner::create();
    if (!runner) return runner.error();
    return runner->run({of, of.call, *maker, &*made, from.module, {1, 1, clocks::counter}});
}

int run(char** arguments) {
    const auto by = engine_from_name(arguments[0]);
    if (!by) return EXIT_FAILURE;
    std::ifstream file(arguments[1]);
    scenario of;
    of.name = arguments[1];
    of.profile.assign(std::istreambuf_iterator<char>(file), {});
    of.call = {std::stoll(arguments[2]), {std::stoull(arguments[3])}};
    filter_source from;
    from.host = {ctl::container_capabilities(), "amd64", 6, 1};
    const auto module = device::open();
    if (module) from.module = &*module;
    const auto done = make_call(*by, of, from);
    if (!done) {
        std::cerr << "one-call: " << done.error().message() << '\n';
        return EXIT_FAILURE;
    }
    std::cout << done->returned << '\n';
    return EXIT_SUCCESS;
}

}  // namespace

}  // namespace secmap::bench

int main(int argc, char** argv) { return argc == 5 ? secmap::bench::run(argv + 1) : EXIT_FAILURE; }
