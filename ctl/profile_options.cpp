// SPDX-License-Identifier: LGPL-2.1-or-later
#include "profile_options.hpp"

#include <utility>

#include "capability.hpp"
#include "validators.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

compile_options to_compile_options(const profile_options& from) {
    compile_options to;
    to.name = from.name.empty() ? policy_name(from.file) : from.name;
    to.unknown = from.unknown == "enosys" ? unknown_calls::enosys : unknown_calls::as_default;
    to.overlap = from.overlap == "refuse" ? overlap_policy::refuse : overlap_policy::as_libseccomp;
    to.widths = from.widths == "kernel" ? argument_widths::as_kernel : argument_widths::as_libseccomp;
    return to;
}

std::string check_capabilities(const std::string& text) {
    const auto names = parse_capabilities(text);
    return names ? std::string() : names.error().text + " (" + names.error().hint + ")";
}

}  // namespace

void add_deciding_options(CLI::App& to, profile_options& options) {
    to.add_option("--unknown", options.unknown,
                  "What numbers that the profile cannot know get: its default, or ENOSYS as runc does")
        ->check(one_of({"default", "enosys"}))
        ->type_name("default|enosys");
    to.add_option("--overlap", options.overlap,
                  "Rules of one call that overlap with different actions: decide as libseccomp does, or refuse")
        ->check(one_of({"libseccomp", "refuse"}))
        ->type_name("libseccomp|refuse");
    to.add_option("--widths", options.widths,
                  "How much of an int is compared: all 64 bits of the register as libseccomp does, or the 32 that the "
                  "kernel takes")
        ->check(one_of({"libseccomp", "kernel"}))
        ->type_name("libseccomp|kernel");
    to.add_option("--cap", options.capabilities,
                  "Capabilities that includes and excludes are decided by: none, all, or names with commas; "
                  "without it podman's default for containers")
        ->check(CLI::Validator(check_capabilities, "", "capabilities"))
        ->allow_extra_args(false)
        ->type_name("CAP,...");
}

void add_reading_options(CLI::App& to, profile_options& options) {
    to.add_option("--name", options.name, "Name of the policy; without it the file's")->type_name("NAME");
    add_deciding_options(to, options);
}

result<loaded_profile> load(const profile_options& options) {
    loaded_profile loaded;
    profile_host host;
    if (options.capabilities.empty()) host.capabilities = container_capabilities();
    for (const std::string& each : options.capabilities) {
        auto names = parse_capabilities(each);
        if (!names) return std::move(names).error();
        host.capabilities.insert(host.capabilities.end(), names->begin(), names->end());
    }
    auto read = read_profile(options.file, host);
    if (!read) return std::move(read).error();
    loaded.options = to_compile_options(options);
    auto made = compile(*read, loaded.options);
    if (!made) return std::move(made).error();
    loaded.source = {options.file, host.capabilities, read->notes};
    loaded.source.notes.insert(loaded.source.notes.end(), made->notes.begin(), made->notes.end());
    loaded.profile = std::move(read).value();
    loaded.image = std::move(made->image);
    return loaded;
}

}  // namespace secmap::ctl
