// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/task.hpp>

#include <algorithm>
#include <cerrno>
#include <string>

#include "ioctl.hpp"

namespace secmap {

namespace {

constexpr std::uint32_t every_policy = 0;
constexpr std::size_t task_batch = 1024;
constexpr std::size_t task_batch_max = 65536;

std::string thread_name(pid_t tid) { return tid == 0 ? "the calling thread" : "thread " + std::to_string(tid); }

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& each : names) text += (text.empty() ? "" : ", ") + each;
    return text;
}

// EOPNOTSUPP says that some action cannot be carried out; this says which.
error unsupported_actions(const device& on, const policy& which, error failure) {
    const auto wanted = which.info(on);
    const auto offered = on.info();
    if (!wanted || !offered) return failure;
    const std::uint32_t missing = wanted->actions & ~offered->actions;
    if (missing == 0) return failure;
    failure.text = "this module cannot carry out " + joined(action_names(missing));
    failure.hint = "it carries out " + joined(action_names(offered->actions)) + "; take the others out of the profile";
    return failure;
}

struct attached {
    std::uint32_t depth = 0;
    int returned = 0;
};

// TSYNC says by its return value who prevents it.
error not_synchronised(std::string operation, int tid) {
    const std::string whom = tid > 0 ? thread_name(tid) : "a thread";
    return {ESRCH, std::move(operation), whom + " cannot be synchronised: it carries other policies than its caller",
            tid > 0 ? "'secmapctl task show " + std::to_string(tid) + "' shows them" : ""};
}

result<attached> attach(const device& on, const policy& which, pid_t tid, const attach_options& how) {
    const std::uint32_t flags = how.flags();
    std::string operation = "attach policy " + std::to_string(which.id()) + " to " + thread_name(tid);
    auto record = detail::make_record<secmap_attach>();
    record.flags = flags;
    record.policy_fd = which.number();
    record.pid = tid;
    record.record_fd = how.record();
    const int returned = detail::call(on.number(), SECMAP_IOC_ATTACH, &record);
    const bool names_thread = (flags & SECMAP_ATTACH_TSYNC) != 0 && (flags & SECMAP_ATTACH_NEW_LISTENER) == 0;
    if (names_thread && returned > 0) return not_synchronised(std::move(operation), returned);
    if (returned >= 0) return attached{record.out_depth, returned};
    if (returned == -ESRCH && (flags & SECMAP_ATTACH_TSYNC) != 0) return not_synchronised(std::move(operation), 0);
    error failure = detail::explain(-returned, std::move(operation));
    if (failure.number == EOPNOTSUPP) return unsupported_actions(on, which, std::move(failure));
    return failure;
}

result<std::uint32_t> attach(const device& on, const recorder& which, pid_t tid) {
    auto record = detail::make_record<secmap_attach>();
    record.flags = SECMAP_ATTACH_RECORD;
    record.policy_fd = -1;
    record.pid = tid;
    record.record_fd = which.number();
    auto done = detail::call(on.number(), SECMAP_IOC_ATTACH, &record, "record the calls of " + thread_name(tid));
    if (!done) return std::move(done).error();
    return record.out_depth;
}

result<std::uint32_t> detach(const device& on, pid_t tid, std::uint32_t policy_id) {
    const std::string what = policy_id == every_policy ? "every policy" : "policy " + std::to_string(policy_id);
    auto record = detail::make_record<secmap_detach>();
    record.pid = tid;
    record.policy_id = policy_id;
    auto done = detail::call(on.number(), SECMAP_IOC_DETACH, &record, "detach " + what + " from " + thread_name(tid));
    if (done) return record.out_depth;
    error failure = std::move(done).error();
    if (failure.number == ENOENT) {
        failure.text = policy_id == every_policy ? "it is not filtered" : "it does not carry this policy";
        failure.hint = "'secmapctl task list' shows what is filtered";
    }
    if (failure.number == EPERM)
        failure.hint =
            "this needs CAP_SYS_ADMIN in the initial user namespace, and a caller that is not filtered itself";
    return failure;
}

}  // namespace

attach_options with_listener(attach_options how) noexcept {
    how.add(SECMAP_ATTACH_NEW_LISTENER);
    // A descriptor and the id of a thread could not be told apart.
    if (how.flags() & SECMAP_ATTACH_TSYNC) how.add(SECMAP_ATTACH_TSYNC_ESRCH);
    return how;
}

result<std::uint32_t> attach_self(const device& on, const policy& which, const attach_options& how) {
    auto done = attach(on, which, 0, how);
    if (!done) return std::move(done).error();
    return done->depth;
}

result<std::uint32_t> attach_self(const device& on, const recorder& which) { return attach(on, which, 0); }

result<listener> attach_with_listener(const device& on, const policy& which, const attach_options& how) {
    return attach_thread_with_listener(on, which, 0, how);
}

result<listener> attach_thread_with_listener(const device& on, const policy& which, pid_t tid,
                                             const attach_options& how) {
    const auto sizes = listener::ask_sizes();
    if (!sizes) return sizes.error();
    auto done = attach(on, which, tid, with_listener(how));
    if (!done) return std::move(done).error();
    return listener::adopt(descriptor(done->returned), *sizes);
}

result<std::uint32_t> attach_thread(const device& on, const policy& which, pid_t tid, const attach_options& how) {
    auto done = attach(on, which, tid, how);
    if (!done) return std::move(done).error();
    return done->depth;
}

result<std::uint32_t> attach_thread(const device& on, const recorder& which, pid_t tid) {
    return attach(on, which, tid);
}

result<std::uint32_t> detach_thread(const device& on, pid_t tid, std::uint32_t policy_id) {
    if (policy_id == every_policy)
        return error{ENOENT, "detach policy 0 from " + thread_name(tid), "there is no policy 0", ""};
    return detach(on, tid, policy_id);
}

result<std::uint32_t> detach_thread(const device& on, pid_t tid) { return detach(on, tid, every_policy); }

result<task_stack> carried_stack(const device& on, pid_t tid) {
    std::vector<std::uint32_t> ids;
    for (;;) {
        auto record = detail::make_record<secmap_task_info>();
        record.pid = tid;
        record.count = static_cast<std::uint32_t>(ids.size());
        record.ids = detail::address(ids.data());
        auto done =
            detail::call(on.number(), SECMAP_IOC_TASK_INFO, &record, "ask what " + thread_name(tid) + " carries");
        if (!done) return std::move(done).error();
        const bool all = record.out_depth <= ids.size();
        ids.resize(record.out_depth);
        if (!all) continue;
        task_stack found{std::move(ids), {}};
        for (std::uint32_t place = 0; place < record.out_depth; ++place)
            if ((record.out_waiting >> place & 1U) != 0) found.waiting.push_back(place);
        return found;
    }
}

result<std::vector<std::uint32_t>> task_policies(const device& on, pid_t tid) {
    auto found = carried_stack(on, tid);
    if (!found) return std::move(found).error();
    return std::move(found)->policies;
}

result<std::vector<task>> task_list(const device& on) {
    std::vector<task> tasks;
    std::vector<secmap_task> batch(task_batch);
    std::uint64_t cursor = 0;
    for (;;) {
        auto record = detail::make_record<secmap_task_list>();
        record.count = static_cast<std::uint32_t>(batch.size());
        record.cursor = cursor;
        record.tasks = detail::address(batch.data());
        const int done = detail::call(on.number(), SECMAP_IOC_TASK_LIST, &record);
        if (done == -ENOSPC && batch.size() < task_batch_max) {  // more have to be listed together
            batch.resize(batch.size() * 2);
            continue;
        }
        if (done < 0) return detail::explain(-done, "list filtered tasks");
        if (record.out_count == 0) return tasks;
        const std::size_t written = std::min<std::size_t>(record.out_count, batch.size());
        for (std::size_t each = 0; each < written; ++each)
            tasks.push_back({batch[each].tid, batch[each].tgid, batch[each].depth, batch[each].top_id});
        cursor = record.cursor;
    }
}

}  // namespace secmap
