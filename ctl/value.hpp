// SPDX-License-Identifier: LGPL-2.1-or-later
// What commands compute: values that a printer shows.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <sys/types.h>

#include <secmap/device.hpp>
#include <secmap/ebpf_program.hpp>
#include <secmap/filter_program.hpp>
#include <secmap/policy.hpp>
#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>
#include <secmap/simulator.hpp>
#include <secmap/table.hpp>
#include <secmap/thread_changes.hpp>
#include <secmap/watcher.hpp>

namespace secmap::bench {
struct report;
}

namespace secmap::ctl {

/// Of `version`.
struct version_report {
    std::string tool;
    std::uint32_t abi = 0;
};

/// Of `feature`. Without a device there is a reason instead of facts.
struct feature_report {
    std::string kernel;
    std::string device;
    std::optional<device_info> info;
    std::optional<error> missing;
};

/// Of `policy list`.
struct policy_list {
    std::vector<policy_info> policies;
};

/// Of `policy show`.
struct policy_facts {
    policy_info policy;
};

/// Of `table list`.
struct table_list {
    std::vector<table_info> tables;
};

/// Of `table show`.
struct table_facts {
    table_info table;
    table_contents contents;
};

/// Of `table update`.
struct table_update_report {
    table_info table;  ///< as it was before
    table_update done;
};

/// Of `table seal`.
struct table_seal_report {
    table_info table;
};

/// What `policy check` and `policy compile` read.
struct profile_source {
    std::string file;
    std::vector<std::string> capabilities;
    std::vector<std::string> notes;  ///< what the profile says that has no effect here
};

/// What a profile takes as a program.
struct program_size {
    std::string engine;
    std::size_t instructions = 0;
    std::size_t tables = 0;
    std::optional<error> refused;  ///< it does not become one
};

/// One system call, by number and by name.
struct call_facts {
    secmap::abi abi = secmap::abi::x86_64;
    std::uint32_t nr = 0;
    std::string name;  ///< empty: no name is known
    std::array<std::uint64_t, 6> args = {};
    std::vector<std::uint8_t> given;  ///< which arguments were named; the others count as 0
};

/// Two calls that are the same to the kernel, of which a policy denies one.
struct evasion {
    call_facts denied;
    call_facts made;     ///< with bits where the kernel does not look
    verdict instead_of;  ///< what the first gets
    verdict by;          ///< what the second gets
    std::string origin;  ///< of the rule that lets it pass
};

/// Of `policy check`.
struct check_report {
    profile_source source;
    policy_image image;
    std::vector<std::uint32_t> allowed;  ///< by section: numbers that are allowed whatever the arguments are
    std::vector<program_size> programs;
    std::vector<evasion> evasions;
};

/// Of `policy compile`.
struct compile_report {
    profile_source source;
    policy_image image;
    std::string written_to;  ///< empty: shown
};

enum class change : std::uint8_t { attached, detached };

/// Whether what is attached is enforced; later: from a call on, never: it complains.
enum class in_force : std::uint8_t { now, later, never };

/// Of `attach` and `detach`.
struct change_report {
    change what = change::attached;
    pid_t pid = 0;       ///< 0: not of a process but of a
    std::string cgroup;  ///< as /proc/PID/cgroup has it, and maybe the one of a
    std::string unit;
    std::optional<std::uint32_t> policy;  ///< none: all that there were
    thread_changes threads;
    std::optional<error> incomplete;  ///< not all could be changed
    in_force when = in_force::now;    ///< of what is attached
};

/// Of `attach --follow`, behind what was attached at once.
struct follow_begin {
    std::string cgroup;
    std::string unit;
    std::uint32_t policy = 0;
    std::chrono::milliseconds every{0};  ///< a look, whatever is told
    std::string note;                    ///< why nobody tells that somebody was moved; empty: it is told
};

/// Of `attach --follow`, at its end.
struct follow_end {
    enum class cause : std::uint8_t { signal, removed };
    std::string cgroup;
    std::uint32_t policy = 0;
    cause why = cause::signal;
    std::size_t changed = 0;  ///< threads, from the begin on
    std::size_t failed = 0;
    std::size_t untold = 0;  ///< answers that nobody has read
};

/// A filtered thread with its name.
struct listed_task {
    pid_t tid = 0;
    pid_t pid = 0;
    std::uint32_t depth = 0;
    std::uint32_t top = 0;
    std::string name;
};

/// Of `task list`.
struct task_list_report {
    std::vector<listed_task> tasks;
};

/// Of `task show`.
struct task_report {
    struct thread {
        pid_t tid = 0;
        std::string name;
        std::vector<std::uint32_t> policies;  ///< oldest first
        std::vector<std::uint32_t> waiting;   ///< places among them of those that are not in force yet
    };
    pid_t pid = 0;
    std::vector<thread> threads;
};

/// Of `explain`, about one call.
struct explanation {
    std::string by;  ///< "profile FILE", "policy ID" or both
    call_facts call;
    verdict decision;
    std::vector<std::string> origins;  ///< places in the profile that say so
    std::vector<rule> considered;      ///< the rules of this call, in order, up to the one that holds
    std::vector<table_image> tables;   ///< that these rules name
    std::vector<std::string> notes;
};

/// Of `explain`, about all calls of an ABI, as a profile has them.
struct profile_summary {
    std::string by;
    abi_section section;
    std::vector<table_image> tables;
    std::vector<secmap::abi> others;  ///< ABIs that it has, too
    std::uint32_t foreign_action = 0;
    std::vector<std::string> notes;
};

/// Of `explain`, about all calls of an ABI, as the kernel tells of a policy: with all arguments 0.
struct policy_summary {
    policy_info policy;
    secmap::abi on = secmap::abi::x86_64;
    std::vector<verdict> answers;  ///< by number
    std::vector<std::string> notes;
};

/// Of `explain`, about a thread.
struct task_explanation {
    struct carried {
        policy_info policy;
        std::optional<verdict> says;  ///< to the call
        std::vector<std::string> origins;
    };
    pid_t pid = 0;
    pid_t tid = 0;
    std::string name;
    std::optional<call_facts> call;
    std::vector<carried> policies;       ///< newest first
    std::optional<std::size_t> decides;  ///< which of them
    std::vector<std::string> notes;
};

/// By ABI, the numbers that a program allows whatever the arguments are.
using allowed_numbers = std::array<std::vector<std::uint32_t>, SECMAP_ABI_COUNT>;

/// Of `prog check`.
struct program_check {
    std::string source;  ///< the file, or "policy ID"
    std::size_t length = 0;
    std::vector<std::uint32_t> answers;  ///< actions that its returns name
    bool computes_answers = false;       ///< what it returns may be another one
    allowed_numbers allowed;
};

/// Of `prog load`.
struct program_load {
    std::string source;
    policy_info policy;
    std::optional<change_report> attached;  ///< without it, it is gone with the command
};

/// Of `prog dump`. What is not a valid program is shown, too.
struct program_dump {
    std::string source;
    std::vector<sock_filter> code;
    std::optional<allowed_numbers> allowed;
    std::optional<error> refused;  ///< in place of what is allowed
    std::string written_to;        ///< empty: shown
};

/// Of `prog test`.
struct program_test {
    std::string source;
    call_facts call;
    std::uint32_t action = 0;
    std::optional<std::size_t> instruction;  ///< that returned it; none: a division by 0
    bool whatever_arguments = false;         ///< it could be told without them
};

/// Of `prog check` of an object.
struct object_check {
    ebpf_image image;
    ebpf_facts facts;
    allowed_numbers allowed;
};

/// Of `prog dump` of an object, or of a policy of kind EBPF, of which only the code is known.
struct object_dump {
    ebpf_image image;
    std::optional<allowed_numbers> allowed;
    std::optional<error> refused;       ///< in place of what is allowed
    std::optional<policy_info> policy;  ///< of which the numbers of tables and of allowed calls are known
    std::string written_to;             ///< empty: shown
};

/// Of `prog test` of an object.
struct object_test {
    ebpf_image image;
    call_facts call;
    std::uint32_t action = 0;
    bool whatever_arguments = false;  ///< it could be told without them
};

/// A call that waits for its answer: of `notify`.
struct request {
    std::uint64_t id = 0;
    pid_t pid = 0;  ///< the thread that makes it
    call_facts call;
    std::uint64_t instruction_pointer = 0;
};

/// What becomes of a call that was asked about.
struct answer {
    enum class kind : std::uint8_t { fails, returns, is_made };
    kind what = kind::fails;
    std::int64_t number = 0;  ///< the errno, or what it returns
};

enum class answered_by : std::uint8_t { rule, helper, nobody };

/// Of `notify`: one for each request, once its fate is known.
struct request_report {
    request asked;
    std::optional<answer> given;  ///< none: the call did not wait any more
    answered_by by = answered_by::nobody;
};

/// Of `policy replace`.
struct replace_report {
    policy_info old;  ///< as it was before
    std::uint32_t by = 0;
    std::string name;  ///< of the new one
    replacement done;
};

/// Of `policy tighten`.
struct tighten_report {
    replace_report done;
};

/// Of `policy seal`.
struct seal_report {
    policy_info policy;
};

/// Of `stats on` and `stats off`.
struct count_report {
    policy_info policy;
    counting what = counting::off;
    replacement done;
};

/// What was counted of a policy.
struct counted_policy {
    struct row {
        policy_count what;
        std::optional<double> rate;  ///< calls a second since the last reading
    };
    policy_info policy;
    bool counted = false;  ///< it goes on
    std::vector<row> rows;
};

/// Of `stats show`.
struct stats_report {
    std::vector<counted_policy> policies;
    std::optional<double> seconds;  ///< since the last reading; none: there was none
};

/// Of `stats show --prometheus`.
struct metrics_report {
    std::string text;
    std::string written_to;  ///< empty: shown
};

/// A comparison, with what is in its table.
struct told_condition {
    condition what;                   ///< in, not_in: without the table's number
    std::vector<std::uint64_t> keys;  ///< of the table, ascending
    auto operator<=>(const told_condition&) const = default;
};

/// What becomes of a call: the first rule that holds decides, without one the last word.
struct call_decision {
    struct rule {
        std::uint32_t action = 0;
        std::vector<told_condition> conditions;
        auto operator<=>(const rule&) const = default;
    };
    std::vector<rule> rules;
    std::uint32_t otherwise = 0;
    bool operator==(const call_decision&) const = default;
};

/// Calls that one profile decides in one way, and the other in another.
struct call_change {
    std::vector<std::uint32_t> numbers;
    bool and_above = false;  ///< and all from SECMAP_NR_MAX on
    call_decision before;
    call_decision after;
};

/// What differs on an ABI.
struct abi_difference {
    secmap::abi abi = secmap::abi::x86_64;
    bool named_before = false;
    bool named_after = false;
    std::uint32_t default_before = 0;
    std::uint32_t default_after = 0;
    std::vector<call_change> gained;   ///< made for more arguments than before
    std::vector<call_change> lost;     ///< made for fewer
    std::vector<call_change> changed;  ///< neither
};

/// Of `policy diff`.
struct diff_report {
    profile_source before;
    profile_source after;
    std::vector<abi_difference> abis;  ///< those that differ
};

/// Of `monitor`, first of all: what is watched from now on.
struct monitor_begin {
    std::optional<std::uint32_t> policy;  ///< none: all of them
    std::string policy_name;              ///< empty: not known
};

/// Of `monitor`: one for each verdict that is shown.
struct monitor_event {
    filter_event what;
    std::chrono::system_clock::time_point time;
    call_facts call;                 ///< no argument is given where they are not known
    std::string policy_name;         ///< empty: not known
    std::optional<verdict> decided;  ///< by which of the policy's rules; none: not known
};

/// Of `monitor`: verdicts that did not come.
struct monitor_loss {
    enum class cause : std::uint8_t { socket, rate };
    std::uint64_t events = 0;
    cause why = cause::socket;  ///< rate: a policy has more of them than events_rate
};

/// Of `monitor`, at its end.
struct monitor_end {
    std::uint64_t shown = 0;
    std::uint64_t lost = 0;
    std::uint64_t suppressed = 0;
    std::vector<std::string> notes;  ///< why names and rules were left out
};

/// Of `learn`, when the profile is written.
struct learn_report {
    std::string written_to;
    double seconds = 0;
    std::array<std::size_t, SECMAP_ABI_COUNT> recorded = {};  ///< by ABI: different calls
    std::vector<std::string> allowed;                         ///< by the profile, all told
    std::size_t limited = 0;                                  ///< of these, for certain arguments alone
    std::vector<std::string> notes;
};

/// A call that a policy would not have let run.
struct complaint {
    call_facts call;  ///< given are the arguments that rules look at
    verdict decision;
    std::string origin;  ///< its place in the profile; empty: none
};

/// Of `run --complain`, at the end.
struct complaint_report {
    std::string profile;
    std::vector<complaint> calls;
    std::vector<std::string> notes;
};

/// What a profile would have to say for a call to be made; tried out.
struct remedy {
    enum class kind : std::uint8_t { add_entry, take_out, take_out_and_add, name_abi, none };
    kind what = kind::none;
    std::string place;                  ///< take_out: of the entries that deny it
    std::string architecture;           ///< name_abi: "SCMP_ARCH_X86"
    std::string name;                   ///< add_entry: of the call
    std::vector<condition> conditions;  ///< add_entry: with these arguments alone
};

/// Calls that were denied for the same reason.
struct denial {
    call_facts call;  ///< the first of them; no argument is given where they are not known
    std::uint32_t action = 0;
    std::optional<verdict> by;  ///< none: not known
    std::string origin;         ///< its place in the profile
    std::string comm;           ///< of the thread that made it first
    pid_t pid = 0;
    std::uint64_t count = 0;
    std::optional<remedy> cure;  ///< none: there is no profile
};

/// Of `run --why`.
struct why_report {
    std::string program;
    std::string profile;  ///< empty: it is held by a program
    std::uint32_t policy = 0;
    std::vector<denial> denials;  ///< in the order in which they came first
    std::uint64_t lost = 0;
    std::uint64_t suppressed = 0;
    std::vector<std::string> notes;
};

/// Of `bench`.
struct bench_result {
    std::shared_ptr<const bench::report> found;  ///< never nullptr
};

using value =
    std::variant<version_report, feature_report, policy_list, policy_facts, check_report, compile_report, change_report,
                 follow_begin, follow_end, task_list_report, task_report, explanation, program_check, program_load,
                 program_dump, program_test, object_check, object_dump, object_test, request_report, replace_report,
                 tighten_report, seal_report, count_report, stats_report, metrics_report, diff_report, monitor_begin,
                 monitor_event, monitor_loss, monitor_end, learn_report, complaint_report, bench_result,
                 profile_summary, policy_summary, task_explanation, why_report, table_list, table_facts,
                 table_update_report, table_seal_report>;

}  // namespace secmap::ctl
