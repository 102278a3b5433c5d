// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/filter_program.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/audit.h>
#include <unistd.h>

#include <secmap/secmap.h>
#include <secmap/descriptor.hpp>

#include "../kernel/kernel.h"

extern "C" {
#include "cbpf.h"
#include "predict.h"
}

namespace secmap {

namespace {

static_assert(filter_length_max == SECMAP_LIMIT_INSNS);

constexpr std::uint32_t x32_bit = 0x40000000U;
constexpr std::size_t instruction_size = sizeof(sock_filter);
constexpr std::size_t bytes_max = filter_length_max * instruction_size;

error cannot_read(const std::string& file, std::size_t offset, int number) {
    return {number, "read program", fmt::format("{}, offset {}: {}", file, offset, std::strerror(number)), ""};
}

/// At most one byte more than a program may have: that tells that it is too long.
result<std::vector<char>> read_bytes(int from, const std::string& file) {
    std::vector<char> bytes(bytes_max + 1);
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count = ::read(from, bytes.data() + done, bytes.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return cannot_read(file, done, errno);
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
    }
    bytes.resize(done);
    return bytes;
}

result<std::vector<sock_filter>> to_code(const std::vector<char>& bytes, const std::string& file) {
    const std::string operation = "read program";
    const char* const hint = "it must be an array of struct sock_filter, as seccomp_export_bpf(3) writes it";
    if (bytes.empty()) return error{EINVAL, operation, file + ": it is empty", hint};
    if (bytes.size() > bytes_max)
        return error{E2BIG, operation,
                     fmt::format("{}, offset {}: it has more than {} instructions", file, bytes_max, filter_length_max),
                     hint};
    if (const std::size_t rest = bytes.size() % instruction_size; rest != 0)
        return error{EINVAL, operation,
                     fmt::format("{}, offset {}: {} bytes are left, and an instruction has {}", file,
                                 bytes.size() - rest, rest, instruction_size),
                     hint};
    std::vector<sock_filter> code(bytes.size() / instruction_size);
    std::memcpy(code.data(), bytes.data(), bytes.size());
    return code;
}

std::uint32_t architecture(abi which) noexcept { return which == abi::i386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64; }

}  // namespace

result<std::vector<sock_filter>> read_filter_code(const std::filesystem::path& file) {
    if (file == "-") {
        const auto bytes = read_bytes(STDIN_FILENO, "standard input");
        if (!bytes) return bytes.error();
        return to_code(*bytes, "standard input");
    }
    const int number = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (number < 0) return cannot_read(file, 0, errno);
    const descriptor opened(number);
    const auto bytes = read_bytes(opened.number(), file);
    if (!bytes) return bytes.error();
    return to_code(*bytes, file);
}

result<filter_program> filter_program::create(std::vector<sock_filter> code, const std::string& source) {
    secmap_why why = {};
    const auto length = static_cast<u32>(std::min(code.size(), filter_length_max + 1));
    const int refused = secmap_cbpf_valid(code.data(), length, &why);
    if (refused != 0)
        return error{-refused, "check program", source + ": " + why.text,
                     "'secmapctl prog dump' shows the instructions"};
    return filter_program(std::move(code));
}

result<filter_program> filter_program::read(const std::filesystem::path& file) {
    auto code = read_filter_code(file);
    if (!code) return std::move(code).error();
    return create(std::move(code).value(), file == "-" ? "standard input" : file.string());
}

verdict filter_program::judge(const seccomp_data& call) const noexcept {
    return {secmap_cbpf_run(code_.data(), static_cast<u32>(code_.size()), &call), SECMAP_RULE_PROGRAM};
}

std::optional<std::uint32_t> filter_program::predict(abi which, std::uint32_t number) const noexcept {
    const std::uint32_t asked = which == abi::x32 ? number | x32_bit : number;
    u32 action = 0;
    if (!secmap_predict_cbpf(code_.data(), static_cast<u32>(code_.size()), architecture(which), asked, &action))
        return std::nullopt;
    return action;
}

std::vector<std::uint32_t> filter_program::predicted_allowed(abi which) const {
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t number = 0; number < SECMAP_NR_MAX; ++number) {
        const auto action = predict(which, number);
        if (action && (*action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW) numbers.push_back(number);
    }
    return numbers;
}

}  // namespace secmap
