// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/recorder.hpp>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <string>

#include "ioctl.hpp"

namespace secmap {

namespace {

constexpr std::uint32_t word_bits = 64;
constexpr const char* reading = "read what was recorded";

recording calls_of(const secmap_recorder_read& record) {
    recording found;
    for (std::size_t each = 0; each < found.calls.size(); ++each)
        for (std::uint32_t nr = 0; nr < SECMAP_NR_MAX; ++nr)
            if (record.out_calls[each][nr / word_bits] >> (nr % word_bits) & 1) found.calls[each].push_back(nr);
    found.other = record.out_other != 0;
    return found;
}

// Where they were in the call: the module hands over those that were asked for, one after the other.
std::array<std::uint64_t, 6> spread(const std::uint64_t* values, std::uint32_t args) {
    std::array<std::uint64_t, 6> all = {};
    for (std::size_t each = 0; each < all.size(); ++each)
        if (args >> each & 1) all[each] = *values++;
    return all;
}

}  // namespace

std::size_t recording::count() const noexcept {
    std::size_t total = 0;
    for (const auto& each : calls) total += each.size();
    return total;
}

result<recorder> recorder::create(const device& on, std::vector<recorder_set> sets) {
    std::vector<secmap_recorder_set> records;
    for (const recorder_set& each : sets) {
        auto record = detail::make_record<secmap_recorder_set>();
        record.abi = static_cast<std::uint32_t>(each.abi);
        record.nr = each.nr;
        record.args = each.args;
        records.push_back(record);
    }
    auto record = detail::make_record<secmap_recorder_create>();
    record.set_count = static_cast<std::uint32_t>(records.size());
    record.sets = detail::address(records.data());
    auto made = detail::call(on.number(), SECMAP_IOC_RECORDER_CREATE, &record, "make a recorder");
    if (made) return recorder(descriptor(*made), record.out_policy_id, record.out_values_max, std::move(sets));
    error failure = std::move(made).error();
    if (failure.number == ENOTTY) {
        failure.text = "the module that is loaded does not record calls";
        failure.hint = "load the module that belongs to this library";
    }
    return failure;
}

result<recorded_set> recorder::read_set(const device& on, std::uint32_t index) const {
    recorded_set found;
    found.what = sets_[index];
    const auto words = static_cast<std::size_t>(std::popcount(found.what.args));
    std::vector<std::uint64_t> values(words * values_max_);
    auto record = detail::make_record<secmap_recorder_read>();
    record.recorder_fd = number();
    record.set = index;
    record.values = detail::address(values.data());
    record.count = values_max_;
    if (auto done = detail::call(on.number(), SECMAP_IOC_RECORDER_READ, &record, reading); !done)
        return std::move(done).error();
    for (std::size_t each = 0; each < std::min(record.out_count, values_max_); ++each)
        found.values.push_back(spread(&values[each * words], found.what.args));
    std::ranges::sort(found.values);
    found.values.erase(std::unique(found.values.begin(), found.values.end()), found.values.end());
    found.overflow = record.out_overflow != 0;
    return found;
}

result<recording> recorder::glance(const device& on) const {
    auto record = detail::make_record<secmap_recorder_read>();
    record.recorder_fd = number();
    record.set = SECMAP_RECORDER_NO_SET;
    if (auto done = detail::call(on.number(), SECMAP_IOC_RECORDER_READ, &record, reading); !done)
        return std::move(done).error();
    return calls_of(record);
}

result<recording> recorder::read(const device& on) const {
    auto record = detail::make_record<secmap_recorder_read>();
    record.flags = SECMAP_RECORDER_WAIT;
    record.recorder_fd = number();
    record.set = SECMAP_RECORDER_NO_SET;
    if (auto done = detail::call(on.number(), SECMAP_IOC_RECORDER_READ, &record, reading); !done)
        return std::move(done).error();
    recording found = calls_of(record);
    for (std::uint32_t index = 0; index < sets_.size(); ++index) {
        auto set = read_set(on, index);
        if (!set) return std::move(set).error();
        found.sets.push_back(std::move(set).value());
    }
    return found;
}

}  // namespace secmap
