// SPDX-License-Identifier: LGPL-2.1-or-later
#include "phase_options.hpp"

#include <utility>

#include "engine.hpp"

namespace secmap::ctl {

namespace {

std::string not_a_phase(const std::string& text) {
    const std::size_t sign = text.find('=');
    if (sign != std::string::npos && sign > 0 && sign + 1 < text.size()) return "";
    return "'" + text + "' is not CALL,...=FILE, as execve,execveat=serving.json is";
}

CLI::Option* add_option(CLI::App& to, const char* name, std::vector<std::string>& into, const char* text) {
    return to.add_option(name, into, text)
        ->check(CLI::Validator(not_a_phase, ""))
        ->allow_extra_args(false)
        ->type_name("CALL,...=FILE");
}

result<later_policy> create_one(const device& on, const std::string& text, phase_start when, profile_options reading) {
    const std::size_t sign = text.find('=');
    const auto from = phase_after(CLI::detail::split(text.substr(0, sign), ','), when);
    if (!from) return from.error();
    reading.file = text.substr(sign + 1);
    reading.name.clear();
    auto made = create_policy(on, reading);
    if (!made) return std::move(made).error();
    return later_policy{std::move(made).value(), *from};
}

}  // namespace

CLI::Option* add_after_option(CLI::App& to, phase_options& options) {
    return add_option(to, "--after", options.after,
                      "Hold it to this profile, too, when one of the calls has succeeded");
}

CLI::Option* add_upon_option(CLI::App& to, phase_options& options) {
    return add_option(to, "--upon", options.upon, "The same when one of the calls has been made, whatever it returned");
}

result<std::vector<later_policy>> create_later(const device& on, const phase_options& options,
                                               const profile_options& reading) {
    std::vector<later_policy> made;
    for (const auto& [texts, when] :
         {std::pair{&options.after, phase_start::succeeded}, std::pair{&options.upon, phase_start::made}})
        for (const std::string& text : *texts) {
            auto one = create_one(on, text, when, reading);
            if (!one) return std::move(one).error();
            made.push_back(std::move(one).value());
        }
    return made;
}

}  // namespace secmap::ctl
