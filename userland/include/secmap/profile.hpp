// SPDX-License-Identifier: LGPL-2.1-or-later
// A seccomp profile of the OCI runtime specification, as podman, runc and moby read it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// One comparison of an entry's "args".
struct profile_arg {
    std::uint32_t index = 0;
    comparison op = comparison::eq;  ///< eq ... masked_eq
    std::uint64_t value = 0;         ///< masked_eq: the mask
    std::uint64_t value_two = 0;     ///< masked_eq: the datum
};

/// One entry of "syscalls" that applies here (includes and excludes are decided).
struct profile_entry {
    std::vector<std::string> names;
    std::uint32_t action = 0;  ///< SECCOMP_RET_* with its data
    std::vector<profile_arg> args;
    std::string path;  ///< "/syscalls/3"
};

/// What includes and excludes are decided by.
struct profile_host {
    std::vector<std::string> capabilities;  ///< "CAP_SYS_ADMIN"; a container's, not ours
    std::string arch = "amd64";             ///< Go's name
    unsigned kernel_major = 0;              ///< 0.0: the running kernel's
    unsigned kernel_minor = 0;
};

struct profile {
    std::string file;  ///< for messages
    std::uint32_t default_action = 0;
    std::vector<abi> abis;    ///< with the native one
    std::vector<abi> listed;  ///< those that the profile itself names: runc's ENOSYS stub looks at no others
    std::vector<profile_entry> entries;
    std::vector<std::string> notes;  ///< what was skipped, and why, one sentence each
};

/// Reads a profile from a file ("-": standard input). Errors name file, path in the document and reason.
[[nodiscard]] result<profile> read_profile(const std::filesystem::path& file, const profile_host& host);

/// The same from text; @p file is only used in messages.
[[nodiscard]] result<profile> parse_profile(std::string_view text, std::string file, const profile_host& host);

/// Calls that are newer than the profile: what its default says, or ENOSYS above the largest number that it names in
/// an ABI that it lists, unless the default is ALLOW, LOG or TRACE (runc).
enum class unknown_calls : std::uint8_t { as_default, enosys };

/// Where two rules of one call overlap with different actions.
enum class overlap_policy : std::uint8_t { as_libseccomp, refuse };

/// How much of an argument of x86-64 is compared: all 64 bits, or, where the call takes fewer, 32 of them. Of an int the
/// kernel takes the low half, so whoever compares all of it can be evaded by what is in the upper one.
enum class argument_widths : std::uint8_t { as_libseccomp, as_kernel };

struct compile_options {
    std::string name;
    unknown_calls unknown = unknown_calls::as_default;
    overlap_policy overlap = overlap_policy::as_libseccomp;
    argument_widths widths = argument_widths::as_libseccomp;
};

/// What came out, and what was left out on the way.
struct compiled_profile {
    policy_image image;
    std::vector<std::string> notes;  ///< unknown names that were skipped, rules without effect
};

/// Compiles to MAPS: plain allows to bitmaps, several equalities on one argument to a hash set, the rest to clauses.
[[nodiscard]] result<compiled_profile> compile(const profile& from, const compile_options& options);

}  // namespace secmap
