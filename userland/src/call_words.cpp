// SPDX-License-Identifier: LGPL-2.1-or-later
#include "call_words.hpp"

#include <cstddef>
#include <string_view>

#include <fmt/format.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <secmap/names.hpp>

namespace secmap::detail {

std::string word_name(std::uint32_t offset) {
    constexpr std::size_t first_arg = offsetof(seccomp_data, args);
    constexpr std::size_t arg_size = sizeof(std::uint64_t);
    const std::string_view half = offset % arg_size == 0 ? "low" : "high";
    if (offset % sizeof(std::uint32_t) != 0 || offset >= sizeof(seccomp_data)) return "";
    if (offset == offsetof(seccomp_data, nr)) return "nr";
    if (offset == offsetof(seccomp_data, arch)) return "arch";
    if (offset < first_arg) return fmt::format("instruction_pointer {}", half);
    return fmt::format("args[{}] {}", (offset - first_arg) / arg_size, half);
}

std::string arch_name(std::uint32_t arch) {
    switch (arch) {
        case AUDIT_ARCH_X86_64: return "x86_64";
        case AUDIT_ARCH_I386: return "i386";
        default: return "";
    }
}

std::string number_name(std::uint32_t number, const std::optional<std::uint32_t>& arch) {
    if (number == x32_bit) return "the bit of x32";
    abi which = number & x32_bit ? abi::x32 : abi::x86_64;
    if (arch == AUDIT_ARCH_I386) which = abi::i386;
    if (arch && arch_name(*arch).empty()) return "";
    std::string name = call_name(which, which == abi::x32 ? number & ~x32_bit : number);
    if (name.starts_with('#')) return "";
    if (!arch || which == abi::x32) name += fmt::format(" of {}", abi_name(which));
    return name;
}

}  // namespace secmap::detail
