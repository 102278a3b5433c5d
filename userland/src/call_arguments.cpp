// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/call_arguments.hpp>

#include <algorithm>
#include <charconv>
#include <span>

#include "call_signatures.hpp"

namespace secmap {

namespace {

using detail::call_signature;

constexpr std::uint8_t whole_width = 64;
constexpr std::uint8_t half_width = 32;

const call_signature* find(std::span<const call_signature> among, std::string_view name) {
    const auto found = std::ranges::lower_bound(among, name, {}, &call_signature::name);
    return found != among.end() && found->name == name ? &*found : nullptr;
}

const call_signature* signature_of(abi which, std::string_view name) {
    const call_signature* own = nullptr;
    if (which == abi::i386) own = find(detail::i386_signatures(), name);
    if (which == abi::x32) own = find(detail::x32_signatures(), name);
    return own ? own : find(detail::native_signatures(), name);
}

// "flags:32"
call_argument parse(std::string_view word) {
    const std::size_t colon = word.find(':');
    call_argument made{word.substr(0, colon), whole_width};
    if (colon != std::string_view::npos)
        std::from_chars(word.data() + colon + 1, word.data() + word.size(), made.width);
    return made;
}

}  // namespace

std::vector<call_argument> call_arguments(abi which, std::string_view name) {
    std::vector<call_argument> made;
    const call_signature* const found = signature_of(which, name);
    for (std::string_view left = found ? found->arguments : ""; !left.empty();) {
        const std::size_t end = std::min(left.find(' '), left.size());
        made.push_back(parse(left.substr(0, end)));
        if (which == abi::i386) made.back().width = std::min(made.back().width, half_width);
        left.remove_prefix(std::min(end + 1, left.size()));
    }
    return made;
}

std::uint8_t argument_width(abi which, std::string_view name, std::uint8_t index) {
    const auto all = call_arguments(which, name);
    if (index < all.size()) return all[index].width;
    return which == abi::i386 ? half_width : whole_width;
}

}  // namespace secmap
