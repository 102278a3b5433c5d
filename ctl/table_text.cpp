// SPDX-License-Identifier: LGPL-2.1-or-later
#include "table_text.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "words.hpp"

namespace secmap::ctl {

namespace {

std::string table_words(const table_info& of) { return fmt::format("table {} ({})", of.id, printable(of.name)); }

std::string type_word(const table_info& of) { return of.bitmap ? "bitmap" : "hash"; }

std::string entry_words(const table_info& of, std::size_t count) { return counted(count, of.bitmap ? "bit" : "key"); }

bool is_zero(std::uint64_t value) { return value == 0; }

}  // namespace

void print_tables(buffer& to, const table_list& of) {
    line(to, "{:>8}  {:<31}  {:<6}  {:>7}  {:>7}  {:>8}  {:>8}  {:>9}", "ID", "NAME", "TYPE", "ENTRIES", "ROOM",
         "POLICIES", "UID", "BYTES");
    for (const table_info& each : of.tables)
        line(to, "{:>8}  {:<31}  {:<6}  {:>7}  {:>7}  {:>8}  {:>8}  {:>9}{}", each.id, printable(each.name),
             type_word(each), each.entries, each.max_entries, each.policies, each.uid, each.bytes,
             each.sealed ? "  sealed" : "");
}

void print_table(buffer& to, const table_facts& of) {
    line(to, "{}: {}, {} of {}{}", table_words(of.table), type_word(of.table),
         entry_words(of.table, of.contents.keys.size()), of.table.max_entries, of.table.sealed ? ", sealed" : "");
    line(to, "{}{}, made by uid {}, {} bytes", indent,
         of.table.policies == 1 ? "1 policy looks into it" : fmt::format("{} policies look into it", of.table.policies),
         of.table.uid, of.table.bytes);
    const bool valued = !std::ranges::all_of(of.contents.values, is_zero);
    std::vector<std::string> words;
    for (std::size_t each = 0; each < of.contents.keys.size(); ++each)
        words.push_back(hex(of.contents.keys[each]) + (valued ? "=" + hex(of.contents.values[each]) : ""));
    print_words(to, words);
}

void print_update(buffer& to, const table_update_report& of) {
    line(to, "{} has {} now: it had {}", table_words(of.table), entry_words(of.table, of.done.entries),
         of.table.entries);
    line(to, "{}{} and {} changed at once, of {}", indent, counted(of.done.tasks, "task"),
         counted(of.done.stacks, "stack"),
         of.done.policies == 1 ? "1 policy" : fmt::format("{} policies", of.done.policies));
}

void print_seal(buffer& to, const table_seal_report& of) {
    line(to, "{} is sealed: nothing changes in it any more", table_words(of.table));
}

void print_table_ids(buffer& to, const std::vector<std::uint32_t>& ids) {
    if (ids.empty()) return;
    std::vector<std::string> words;
    for (const std::uint32_t each : ids) words.push_back(each == 0 ? "(BPF map)" : std::to_string(each));
    line(to, "ids of its tables ('secmapctl table show'):");
    print_words(to, words);
}

}  // namespace secmap::ctl
