// SPDX-License-Identifier: LGPL-2.1-or-later
#include "remedy.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <linux/seccomp.h>

#include <secmap/secmap.h>
#include <secmap/call_arguments.hpp>
#include <secmap/profile.hpp>
#include <secmap/simulator.hpp>

#include "call_options.hpp"

namespace secmap::ctl {

namespace {

std::string architecture_of(abi which) {
    if (which == abi::i386) return "SCMP_ARCH_X86";
    return which == abi::x32 ? "SCMP_ARCH_X32" : "SCMP_ARCH_X86_64";
}

const abi_section* section_of(const policy_image& in, abi which) {
    const auto found = std::ranges::find(in.sections, which, &abi_section::abi);
    return found == in.sections.end() ? nullptr : &*found;
}

profile_entry allowing(const call_facts& call, const std::vector<condition>& conditions) {
    profile_entry made;
    made.names = {call.name};
    made.action = SECCOMP_RET_ALLOW;
    made.path = "/syscalls/-";
    for (const condition& each : conditions) made.args.push_back({each.arg, comparison::eq, each.value, 0});
    return made;
}

// "/syscalls/3, /syscalls/7" has both of them.
bool names_place(const std::string& origins, const std::string& path) {
    const std::size_t at = origins.find(path);
    return at != std::string::npos && (at + path.size() == origins.size() || origins[at + path.size()] == ',');
}

/// Tries changes out.
class trial final {
public:
    trial(const loaded_profile& from, const call_facts& call) : from_(from), call_(call) {
        plain_ = from.profile;
        plain_.abis = {call.abi};
    }

    [[nodiscard]] bool allows(const profile& changed) const {
        const auto made = compile(changed, from_.options);
        if (!made) return false;
        const auto model = simulator::create(made->image);
        return model && (model->judge(to_data(call_)).action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW;
    }

    [[nodiscard]] profile with(profile to, const std::vector<condition>& conditions) const {
        to.entries.push_back(allowing(call_, conditions));
        return to;
    }

    [[nodiscard]] profile without(const std::string& origins) const {
        profile made = plain_;
        for (profile_entry& each : made.entries)
            if (names_place(origins, each.path)) std::erase(each.names, call_.name);
        return made;
    }

    [[nodiscard]] const profile& plain() const noexcept { return plain_; }

private:
    const loaded_profile& from_;
    const call_facts& call_;
    profile plain_;
};

std::vector<condition> these_arguments(const loaded_profile& from, const call_facts& call) {
    std::vector<condition> made;
    for (const std::uint8_t arg : compared_arguments(from.image, call)) {
        const std::uint8_t width = argument_width(call.abi, call.name, arg);
        condition each;
        each.arg = arg;
        each.value = width < 64 && from.options.widths == argument_widths::as_kernel
                         ? call.args.at(arg) & ((1ULL << width) - 1)
                         : call.args.at(arg);
        made.push_back(each);
    }
    return made;
}

}  // namespace

std::string origin_of(const policy_image& in, const call_facts& call, const verdict& by) {
    if (by.rule == SECMAP_RULE_DEFAULT) return "/defaultAction";
    const abi_section* const section = section_of(in, call.abi);
    return section && by.rule < section->rules.size() ? section->rules[by.rule].origin : "";
}

std::vector<std::uint8_t> compared_arguments(const policy_image& in, const call_facts& call) {
    std::set<std::uint8_t> found;
    if (const abi_section* const section = section_of(in, call.abi))
        for (const rule& each : section->rules)
            if (each.nr == call.nr)
                for (const condition& one : each.conditions) found.insert(one.arg);
    return {found.begin(), found.end()};
}

remedy find_remedy(const loaded_profile& from, const call_facts& denied, const verdict& by) {
    remedy found;
    if (by.rule == SECMAP_RULE_FOREIGN) {
        found.what = remedy::kind::name_abi;
        found.architecture = architecture_of(denied.abi);
        return found;
    }
    if (denied.name.empty()) return found;
    found.name = denied.name;
    const trial tried(from, denied);
    const auto these = these_arguments(from, denied);
    if (tried.allows(tried.with(tried.plain(), these))) {
        found.what = remedy::kind::add_entry;
        found.conditions = these;
        return found;
    }
    found.place = origin_of(from.image, denied, by);
    const profile rest = tried.without(found.place);
    if (found.place.empty()) return found;
    if (tried.allows(rest)) {
        found.what = remedy::kind::take_out;
    } else if (tried.allows(tried.with(rest, these))) {
        found.what = remedy::kind::take_out_and_add;
        found.conditions = these;
    }
    return found;
}

}  // namespace secmap::ctl
