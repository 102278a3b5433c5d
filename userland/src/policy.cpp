// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/policy.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <secmap/names.hpp>
#include <secmap/table.hpp>
#include <secmap/task.hpp>

#include "ioctl.hpp"
#include "records.hpp"

namespace secmap {

namespace {

constexpr std::size_t counts_expected = 256;

struct action_name {
    std::uint32_t bit;
    const char* name;
};

constexpr std::array<action_name, 8> names_of_actions = {{
    {SECMAP_ACTION_KILL_PROCESS, "KILL_PROCESS"},
    {SECMAP_ACTION_KILL_THREAD, "KILL_THREAD"},
    {SECMAP_ACTION_TRAP, "TRAP"},
    {SECMAP_ACTION_ERRNO, "ERRNO"},
    {SECMAP_ACTION_USER_NOTIF, "USER_NOTIF"},
    {SECMAP_ACTION_TRACE, "TRACE"},
    {SECMAP_ACTION_LOG, "LOG"},
    {SECMAP_ACTION_ALLOW, "ALLOW"},
}};

// The tables of an image, and their descriptors as the module wants them.
struct table_set {
    std::vector<table> tables;
    std::vector<std::int32_t> numbers;
};

// "ioctl.1": the call and the argument that look into it; with ".more" if others do, too. By index.
std::vector<std::string> names_of_tables(const policy_image& image) {
    std::vector<std::string> names(image.tables.size());
    for (const abi_section& section : image.sections)
        for (const rule& each : section.rules)
            for (const condition& one : each.conditions) {
                if (one.op != comparison::in && one.op != comparison::not_in) continue;
                std::string& name = names.at(one.table);
                const std::string user = call_name(section.abi, each.nr) + "." + std::to_string(one.arg);
                if (name.empty())
                    name = user;
                else if (name != user && !name.ends_with(".more"))
                    name += ".more";
            }
    return names;
}

// Keys can be added later: room for them takes no memory.
constexpr std::uint32_t room_for_keys = 65536;

result<table_set> create_tables(const device& on, const policy_image& image) {
    table_set made;
    const std::vector<std::string> names = names_of_tables(image);
    for (table_image each : image.tables) {
        if (!each.bitmap) each.max_entries = std::max(each.max_entries, room_for_keys);
        auto one = table::create(on, each, names[made.tables.size()].substr(0, SECMAP_NAME_LEN - 1));
        if (!one) return std::move(one).error();
        made.numbers.push_back(one->number());
        made.tables.push_back(std::move(one).value());
    }
    return made;
}

// What a program looks into, and the descriptors of that.
struct program_tables {
    std::vector<table> tables;
    std::vector<bpf_map> maps;
    std::vector<std::int32_t> numbers;
};

result<program_tables> create_tables(const device& on, const ebpf_image& image) {
    program_tables made;
    for (const program_table& each : image.tables) {
        if (each.kind == table_kind::bpf_map) {
            auto map = open_map(each);
            if (!map) return std::move(map).error();
            made.numbers.push_back(map->number());
            made.maps.push_back(std::move(map).value());
            continue;
        }
        auto one = table::create(on, each.contents, each.name.substr(0, SECMAP_NAME_LEN - 1));
        if (!one) return std::move(one).error();
        made.numbers.push_back(one->number());
        made.tables.push_back(std::move(one).value());
    }
    return made;
}

policy_info to_info(const secmap_policy_info& record) {
    policy_info info;
    info.id = record.out_id;
    info.name.assign(record.out_name, strnlen(record.out_name, sizeof(record.out_name)));
    info.kind = record.out_kind;
    info.foreign_action = record.out_foreign_action;
    info.abis = record.out_abis;
    for (std::size_t each = 0; each < info.sections.size(); ++each)
        info.sections[each] = {record.out_allow_count[each], record.out_rule_count[each], record.out_cond_count[each],
                               record.out_default_action[each]};
    info.tables = record.out_table_count;
    info.actions = record.out_actions;
    info.cost = record.out_cost;
    info.stacks = record.out_stacks;
    info.uid = record.out_uid;
    info.bytes = record.out_bytes;
    info.filter_length = record.out_filter_len;
    info.instructions = record.out_insns;
    info.sealed = record.out_sealed != 0;
    info.counted = record.out_counted != 0;
    return info;
}

// Of counters.
error not_to_be_counted(error failure) {
    if (failure.number == EPERM)
        failure.hint = "this needs to be who made the policy, or CAP_SYS_ADMIN in the initial user namespace";
    return failure;
}

// EPERM has several reasons. This one holds for an administrator, too.
error not_permitted(const device& on, error failure) {
    const auto carried = task_policies(on, 0);
    if (carried && !carried->empty()) {
        failure.text = "the caller is filtered itself";
        failure.hint = "do it from a shell that is not: 'secmapctl task list' shows what is filtered";
    }
    return failure;
}

// And this one for everybody.
error not_to_be_replaced(const device& on, const policy& which, error failure) {
    const auto info = which.info(on);
    if (!info || !info->sealed) return not_permitted(on, std::move(failure));
    failure.text = "policy " + std::to_string(which.id()) + " is sealed: nothing comes in its place any more";
    failure.hint = "'secmapctl detach' takes it off, 'secmapctl attach' puts another one on";
    return failure;
}

error not_replaced(error failure) {
    if (failure.number == EEXIST) {
        failure.text = "they are the same policy";
        failure.hint = "make another one of the profile";
    } else if (failure.number == ENOSPC) {
        failure.text = "a stack holds it several times, and would cost too much with the new one; no task was changed";
        failure.hint = "'secmapctl feature' shows the limits, 'secmapctl policy show' what a policy costs";
    }
    return failure;
}

// "x86_64 number 41: ..." to "socket of x86_64: ..."
std::string with_name_of_call(const std::string& reason) {
    const std::size_t space = reason.find(" number ");
    if (space == std::string::npos) return reason;
    const auto which = abi_from_name(reason.substr(0, space));
    const char* digits = reason.c_str() + space + strlen(" number ");
    char* rest = nullptr;
    const auto number = static_cast<std::uint32_t>(std::strtoul(digits, &rest, 10));
    if (!which || rest == digits) return reason;
    return call_name(*which, number) + " of " + reason.substr(0, space) + rest;
}

error not_tightened(int number, const std::string& operation, const std::string& reason) {
    error failure = detail::explain(number, operation);
    switch (number) {
        case EXDEV:
            failure.text = with_name_of_call(reason);
            failure.hint = "'secmapctl policy diff' shows what changes; an administrator loosens by 'policy replace'";
            break;
        case EPERM:
            failure.text = reason;
            failure.hint =
                "this needs to be who made it, where only his unprivileged tasks carry it, or CAP_SYS_ADMIN "
                "in the initial user namespace; and not to be filtered";
            break;
        case EOPNOTSUPP:
            failure.text = reason.empty() ? "this module does not know how to" : reason + ", which cannot be compared";
            failure.hint = "'secmapctl attach' puts another policy on top; 'policy replace' does not compare";
            break;
        case E2BIG:
            failure.text = "this module does not know how to";
            failure.hint = "use a newer one";
            break;
        case ENOSPC:
            failure.text = "a stack would cost too much with the new one, or too many hold it; no task was changed";
            failure.hint = "'secmapctl feature' shows the limits; an administrator may exceed them by one policy";
            break;
        case EAGAIN: failure.text = "too many tasks attach it meanwhile"; break;
        default: return not_replaced(std::move(failure));
    }
    return failure;
}

}  // namespace

result<policy> policy::create(const device& on, const policy_image& image) {
    const std::string operation = "create policy '" + image.name + "'";
    auto record = detail::make_record<secmap_policy_create>();
    if (auto fits = detail::set_name(record.name, image.name, operation); !fits) return std::move(fits).error();
    auto tables = create_tables(on, image);
    if (!tables) return std::move(tables).error();
    detail::policy_records records(image);
    std::vector<char> log(detail::log_size);
    record.kind = SECMAP_POLICY_MAPS;
    record.foreign_action = image.foreign_action;
    record.abi_count = static_cast<std::uint32_t>(records.sections().size());
    record.abis = detail::address(records.sections().data());
    record.table_count = static_cast<std::uint32_t>(tables->numbers.size());
    record.tables = detail::address(tables->numbers.data());
    record.log_size = static_cast<std::uint32_t>(log.size());
    record.log = detail::address(log.data());
    const int made = detail::call(on.number(), SECMAP_IOC_POLICY_CREATE, &record);
    if (made < 0) return detail::refused(-made, operation, log);
    return policy(descriptor(made), record.out_id);
}

result<policy> policy::create(const device& on, const filter_program& program, const std::string& name) {
    const std::string operation = "create policy '" + name + "'";
    auto record = detail::make_record<secmap_policy_create>();
    if (auto fits = detail::set_name(record.name, name, operation); !fits) return std::move(fits).error();
    std::vector<char> log(detail::log_size);
    record.kind = SECMAP_POLICY_CBPF;
    record.filter_len = static_cast<std::uint32_t>(program.code().size());
    record.filter = detail::address(program.code().data());
    record.log_size = static_cast<std::uint32_t>(log.size());
    record.log = detail::address(log.data());
    const int made = detail::call(on.number(), SECMAP_IOC_POLICY_CREATE, &record);
    if (made < 0) return detail::refused(-made, operation, log);
    return policy(descriptor(made), record.out_id);
}

result<policy> policy::create(const device& on, const ebpf_program& program, const std::string& name) {
    const std::string operation = "create policy '" + name + "'";
    auto record = detail::make_record<secmap_policy_create>();
    if (auto fits = detail::set_name(record.name, name, operation); !fits) return std::move(fits).error();
    const ebpf_image& image = program.image();
    const auto tables = create_tables(on, image);
    if (!tables) return tables.error();
    std::vector<char> log(detail::log_size);
    record.kind = SECMAP_POLICY_EBPF;
    record.filter_len = static_cast<std::uint32_t>(image.code.size());
    record.filter = detail::address(image.code.data());
    record.table_count = static_cast<std::uint32_t>(tables->numbers.size());
    record.tables = detail::address(tables->numbers.data());
    record.log_size = static_cast<std::uint32_t>(log.size());
    record.log = detail::address(log.data());
    const int made = detail::call(on.number(), SECMAP_IOC_POLICY_CREATE, &record);
    if (made < 0) return detail::refused(-made, operation, log);
    return policy(descriptor(made), record.out_id);
}

result<policy> policy::open(const device& on, std::uint32_t id) {
    auto record = detail::make_record<secmap_policy_by_id>();
    record.id = id;
    auto made = detail::call(on.number(), SECMAP_IOC_POLICY_BY_ID, &record, "open policy " + std::to_string(id));
    if (!made) return std::move(made).error();
    return policy(descriptor(*made), id);
}

// How many tables there are is known when it has been asked once; a module that does not tell which is asked no more.
result<policy_info> policy::info(const device& on) const {
    const std::string operation = "ask about policy " + std::to_string(id_);
    auto record = detail::make_record<secmap_policy_info>();
    record.policy_fd = number();
    auto done = detail::call(on.number(), SECMAP_IOC_POLICY_INFO, &record, operation);
    if (!done) return std::move(done).error();
    policy_info info = to_info(record);
    if (info.tables == 0) return info;
    info.table_ids.resize(info.tables);
    record.count = info.tables;
    record.tables = detail::address(info.table_ids.data());
    const int told = detail::call(on.number(), SECMAP_IOC_POLICY_INFO, &record);
    if (told == -E2BIG) info.table_ids.clear();
    if (told < 0 && told != -E2BIG) return detail::explain(-told, operation);
    return info;
}

// Both kinds of instructions have the same size, and are read in the same way.
template <typename Instruction>
static result<std::vector<Instruction>> read_code(const device& on, const policy& of) {
    const std::string operation = "read the program of policy " + std::to_string(of.id());
    std::vector<Instruction> code(filter_length_max);
    auto record = detail::make_record<secmap_policy_filter>();
    record.policy_fd = of.number();
    record.count = static_cast<std::uint32_t>(code.size());
    record.filter = detail::address(code.data());
    auto done = detail::call(on.number(), SECMAP_IOC_POLICY_FILTER, &record, operation);
    if (!done) {
        error failure = std::move(done).error();
        if (failure.number == EINVAL) {
            failure.text = "it is not a program";
            failure.hint = "'secmapctl policy show' tells the kind";
        }
        return failure;
    }
    code.resize(std::min<std::size_t>(record.out_count, code.size()));
    return code;
}

result<filter_program> policy::filter(const device& on) const {
    auto code = read_code<sock_filter>(on, *this);
    if (!code) return std::move(code).error();
    return filter_program::create(std::move(code).value(), "policy " + std::to_string(id_));
}

result<std::vector<bpf_insn>> policy::code(const device& on) const { return read_code<bpf_insn>(on, *this); }

result<replacement> policy::replace_by(const device& on, const policy& next) const {
    const std::string operation = "replace policy " + std::to_string(id_) + " by policy " + std::to_string(next.id_);
    auto record = detail::make_record<secmap_policy_replace>();
    record.policy_fd = number();
    record.by_fd = next.number();
    auto done = detail::call(on.number(), SECMAP_IOC_POLICY_REPLACE, &record, operation);
    if (done) return replacement{record.out_tasks, record.out_stacks};
    error failure = std::move(done).error();
    if (failure.number == EPERM) return not_to_be_replaced(on, *this, std::move(failure));
    return not_replaced(std::move(failure));
}

result<replacement> policy::tighten_by(const device& on, const policy& next) const {
    std::vector<char> log(detail::log_size);
    auto record = detail::make_record<secmap_policy_replace>();
    record.flags = SECMAP_REPLACE_TIGHTEN;
    record.policy_fd = number();
    record.by_fd = next.number();
    record.log = detail::address(log.data());
    record.log_size = static_cast<std::uint32_t>(log.size());
    const int done = detail::call(on.number(), SECMAP_IOC_POLICY_REPLACE, &record);
    if (done >= 0) return replacement{record.out_tasks, record.out_stacks};
    return not_tightened(-done, "tighten policy " + std::to_string(id_) + " to policy " + std::to_string(next.id_),
                         std::string(log.data(), strnlen(log.data(), log.size())));
}

result<void> policy::seal(const device& on) const {
    auto record = detail::make_record<secmap_policy_seal>();
    record.policy_fd = number();
    auto done = detail::call(on.number(), SECMAP_IOC_POLICY_SEAL, &record, "seal policy " + std::to_string(id_));
    if (done) return {};
    error failure = std::move(done).error();
    if (failure.number != EPERM) return failure;
    failure.hint = "this needs to be who made it, or CAP_SYS_ADMIN in the initial user namespace";
    return not_permitted(on, std::move(failure));
}

result<replacement> policy::count(const device& on, counting wanted) const {
    const std::string operation =
        (wanted == counting::on ? "count policy " : "count no more of policy ") + std::to_string(id_);
    auto record = detail::make_record<secmap_policy_count>();
    record.policy_fd = number();
    record.on = wanted == counting::on ? 1 : 0;
    auto done = detail::call(on.number(), SECMAP_IOC_POLICY_COUNT, &record, operation);
    if (!done) return not_to_be_counted(std::move(done).error());
    return replacement{record.out_tasks, record.out_stacks};
}

// There may be more from one time to the next, but not more than the policy has counters.
result<policy_stats> policy::stats(const device& on) const {
    const std::string operation = "read what was counted of policy " + std::to_string(id_);
    std::vector<secmap_count> counts(counts_expected);
    for (;;) {
        auto record = detail::make_record<secmap_policy_stats>();
        record.policy_fd = number();
        record.count = static_cast<std::uint32_t>(counts.size());
        record.counts = detail::address(counts.data());
        auto done = detail::call(on.number(), SECMAP_IOC_POLICY_STATS, &record, operation);
        if (!done) return not_to_be_counted(std::move(done).error());
        const bool fits = record.out_count <= counts.size();
        counts.resize(record.out_count);
        if (!fits) continue;
        policy_stats read{record.out_on != 0, {}};
        read.counts.reserve(counts.size());
        for (const secmap_count& each : counts)
            read.counts.push_back({static_cast<abi>(each.abi), each.nr, each.rule, each.action, each.count});
        return read;
    }
}

result<std::vector<verdict>> policy::test(const device& on, std::span<const seccomp_data> calls) const {
    auto limits = on.info();
    if (!limits) return std::move(limits).error();
    std::vector<secmap_verdict> answers(calls.size());
    const std::size_t batch = std::max<std::size_t>(1, limits->test_max);
    for (std::size_t first = 0; first < calls.size(); first += batch) {
        auto record = detail::make_record<secmap_policy_test>();
        record.policy_fd = number();
        record.count = static_cast<std::uint32_t>(std::min(batch, calls.size() - first));
        record.calls = detail::address(calls.data() + first);
        record.verdicts = detail::address(answers.data() + first);
        auto done = detail::call(on.number(), SECMAP_IOC_POLICY_TEST, &record, "test policy " + std::to_string(id_));
        if (!done) return std::move(done).error();
    }
    std::vector<verdict> verdicts;
    verdicts.reserve(answers.size());
    for (const secmap_verdict& each : answers) verdicts.push_back({each.action, each.rule});
    return verdicts;
}

static result<std::vector<std::uint32_t>> list_ids(const device& on, std::uint32_t flags) {
    std::vector<std::uint32_t> ids;
    for (;;) {
        auto record = detail::make_record<secmap_policy_next>();
        record.flags = flags;
        record.id = ids.empty() ? 0 : ids.back();
        const int done = detail::call(on.number(), SECMAP_IOC_POLICY_NEXT, &record);
        if (done == -ENOENT) return ids;
        if (done < 0) return detail::explain(-done, "list policies");
        ids.push_back(record.out_id);
    }
}

result<std::vector<std::uint32_t>> policy_ids(const device& on) { return list_ids(on, 0); }

result<std::vector<std::uint32_t>> own_policy_ids(const device& on) { return list_ids(on, SECMAP_NEXT_OWN); }

std::vector<std::string> action_names(std::uint32_t bits) {
    std::vector<std::string> found;
    for (const action_name& each : names_of_actions) {
        if (bits & each.bit) found.emplace_back(each.name);
        bits &= ~each.bit;
    }
    if (bits != 0) found.push_back(std::to_string(bits));
    return found;
}

}  // namespace secmap
