// SPDX-License-Identifier: LGPL-2.1-or-later
#include "container_policy.hpp"

#include <cerrno>
#include <utility>

#include <linux/seccomp.h>

#include <secmap/bundle.hpp>
#include <secmap/profile.hpp>

namespace secmap::oci {

namespace {

result<profile> read_wanted_profile(const container_state& of, const request& wanted) {
    const std::filesystem::path config = of.bundle / "config.json";
    profile_host host;
    if (wanted.profile) {
        auto capabilities = read_bundle_capabilities(config);
        if (!capabilities) return std::move(capabilities).error();
        host.capabilities = std::move(capabilities).value();
        return read_profile(*wanted.profile, host);
    }
    auto read = read_bundle_profile(config, host);
    if (read || read.error().number != ENOENT) return read;
    error missing = std::move(read).error();
    missing.hint = "let the engine give the container a profile, or name one in the annotation org.secmap.profile";
    return missing;
}

}  // namespace

result<policy_image> compile_policy(const container_state& of, const request& wanted) {
    const auto read = read_wanted_profile(of, wanted);
    if (!read) return read.error();
    for (const profile_entry& each : read->entries)
        if ((each.action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
            return error{EOPNOTSUPP, "read profile",
                         read->file + ": " + each.path + ": SCMP_ACT_NOTIFY needs a supervisor, and the hook has none",
                         "leave it to the runtime: give secmap a profile without it, in org.secmap.profile"};
    // As runc: a program that tries a newer call is to find that there is none, and take the older one.
    auto made = compile(*read, {object_name("", of.id), unknown_calls::enosys, overlap_policy::as_libseccomp});
    if (!made) return std::move(made).error();
    return std::move(made->image);
}

}  // namespace secmap::oci
