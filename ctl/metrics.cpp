// SPDX-License-Identifier: LGPL-2.1-or-later
#include "metrics.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <secmap/secmap.h>
#include <secmap/descriptor.hpp>
#include <secmap/names.hpp>

#include "bits.hpp"
#include "lines.hpp"
#include "words.hpp"
#include "write_all.hpp"

namespace secmap::ctl {

namespace {

constexpr mode_t for_all_to_read = 0644;

// The value of a label, in its quotes.
std::string label(std::string_view of) {
    std::string text;
    for (const char each : of) {
        if (each == '\n') {
            text += "\\n";
            continue;
        }
        if (each == '"' || each == '\\') text += '\\';
        text += each;
    }
    return text;
}

void head(buffer& to, std::string_view name, std::string_view type, std::string_view help) {
    line(to, "# HELP {} {}", name, help);
    line(to, "# TYPE {} {}", name, type);
}

// "3", "default"
std::string rule_label(const policy_count& of) {
    const std::string kind = decision_kind({of.action, of.rule});
    return kind == "rule" ? std::to_string(of.rule) : kind;
}

std::string policy_labels(const policy_info& of) {
    return fmt::format(R"(policy="{}",id="{}")", label(of.name), of.id);
}

error cannot_write(const std::string& file, int number) {
    return error{number, "write " + file, std::strerror(number),
                 "the file is replaced by one beside it: its folder "
                 "must be there, and one that can be written to"};
}

}  // namespace

std::string metrics_text(const metrics& of) {
    buffer text;
    head(text, "secmap_policies", "gauge", "Policies in the kernel.");
    line(text, "secmap_policies {}", of.policies.size());
    head(text, "secmap_filtered_tasks", "gauge", "Threads that carry a policy.");
    line(text, "secmap_filtered_tasks {}", of.tasks);
    head(text, "secmap_policy_stacks", "gauge", "Stacks that hold a policy.");
    for (const policy_info& each : of.policies)
        line(text, "secmap_policy_stacks{{{}}} {}", policy_labels(each), each.stacks);
    head(text, "secmap_policy_calls_total", "counter", "System calls of which a counted policy has said something.");
    for (const counted_policy& policy : of.counted)
        for (const counted_policy::row& each : policy.rows)
            line(text, R"(secmap_policy_calls_total{{{},abi="{}",rule="{}",action="{}"}} {})",
                 policy_labels(policy.policy), abi_name(each.what.abi), rule_label(each.what),
                 label(action_name(each.what.action)), each.what.calls);
    return text;
}

result<void> write_whole(const std::string& file, const std::string& text) {
    std::string beside = file + ".XXXXXX";
    const int number = mkstemp(beside.data());
    if (number < 0) return cannot_write(file, errno);
    const descriptor made(number);
    int failed = write_all(made.number(), text);
    if (failed == 0 && fchmod(made.number(), for_all_to_read) != 0) failed = errno;
    if (failed == 0 && rename(beside.c_str(), file.c_str()) != 0) failed = errno;
    if (failed == 0) return {};
    unlink(beside.c_str());
    return cannot_write(file, failed);
}

}  // namespace secmap::ctl
