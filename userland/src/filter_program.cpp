// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/filter_program.hpp>

#include <algorithm>
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

bool returns(const sock_filter& of) noexcept { return BPF_CLASS(of.code) == BPF_RET; }
bool returns_computed(const sock_filter& of) noexcept { return returns(of) && BPF_RVAL(of.code) == BPF_A; }

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

// The same program, each return of which says where it is: counted from 1, for a division by 0 says 0.
std::optional<std::size_t> filter_program::deciding_instruction(const seccomp_data& call) const {
    std::vector<sock_filter> where = code_;
    for (std::size_t index = 0; index < where.size(); ++index)
        if (returns(where[index])) where[index] = BPF_STMT(BPF_RET | BPF_K, static_cast<std::uint32_t>(index + 1));
    const std::uint32_t place = secmap_cbpf_run(where.data(), static_cast<u32>(where.size()), &call);
    if (place == 0) return std::nullopt;
    return place - 1;
}

std::optional<std::uint32_t> filter_program::predict(abi which, std::uint32_t number) const noexcept {
    const std::uint32_t asked = which == abi::x32 ? number | x32_bit : number;
    u32 last = 0;
    u32 action = 0;
    if (!secmap_predict_cbpf(code_.data(), static_cast<u32>(code_.size()), architecture(which), asked, &last, &action))
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

std::vector<std::uint32_t> filter_program::answers() const {
    std::vector<std::uint32_t> found;
    for (const sock_filter& each : code_)
        if (returns(each) && !returns_computed(each) && std::ranges::count(found, each.k) == 0) found.push_back(each.k);
    return found;
}

bool filter_program::computes_answers() const noexcept { return std::ranges::any_of(code_, returns_computed); }

}  // namespace secmap
