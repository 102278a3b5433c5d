// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl table list|show|update|seal
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <secmap/device.hpp>
#include <secmap/table.hpp>

#include "command.hpp"
#include "constants.hpp"

namespace secmap::ctl {

namespace {

struct table_in_kernel {
    secmap::table table;
    table_info info;
};

struct update_options {
    std::string table;
    std::vector<std::string> add;
    std::vector<std::string> remove;
    std::string file;
    bool whole = false;
};

result<table_in_kernel> open(const device& on, std::uint32_t id) {
    auto opened = table::open(on, id);
    if (!opened) return std::move(opened).error();
    auto info = opened->info(on);
    if (!info) return std::move(info).error();
    return table_in_kernel{std::move(opened).value(), std::move(info).value()};
}

// One that goes away between the listing and the question is not listed.
result<std::vector<table_in_kernel>> all_tables(const device& on) {
    const auto ids = table_ids(on);
    if (!ids) return ids.error();
    std::vector<table_in_kernel> found;
    for (const std::uint32_t id : *ids) {
        auto one = open(on, id);
        if (one)
            found.push_back(std::move(one).value());
        else if (one.error().number != ENOENT)
            return std::move(one).error();
    }
    return found;
}

result<table_in_kernel> find_by_name(const device& on, const std::string& wanted) {
    const std::string operation = "find table '" + wanted + "'";
    auto all = all_tables(on);
    if (!all) return std::move(all).error();
    std::erase_if(*all, [&wanted](const table_in_kernel& each) { return each.info.name != wanted; });
    if (all->empty())
        return error{ENOENT, operation, "no table has this name", "'secmapctl table list' shows ids and names"};
    if (all->size() == 1) return std::move(all->front());
    std::vector<std::uint32_t> ids;
    for (const table_in_kernel& each : *all) ids.push_back(each.info.id);
    return error{EEXIST, operation, fmt::format("several tables have this name: {}", fmt::join(ids, ", ")),
                 "name the one that is meant by its id: 'secmapctl policy show' shows those of a policy"};
}

// What consists of digits is an id.
result<table_in_kernel> find_table(const device& on, const std::string& wanted) {
    if (wanted.find_first_not_of("0123456789") != std::string::npos) return find_by_name(on, wanted);
    std::uint32_t id = 0;
    const auto [end, failed] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), id);
    if (failed != std::errc() || id == 0)
        return error{ENOENT, "open table " + wanted, "no table has this id", "'secmapctl table list' shows the ids"};
    return open(on, id);
}

result<table_list> list(const context& with) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    auto all = all_tables(*opened);
    if (!all) return std::move(all).error();
    table_list found;
    for (table_in_kernel& each : *all) found.tables.push_back(std::move(each.info));
    return found;
}

result<table_facts> show(const context& with, const std::string& wanted) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    auto which = find_table(*opened, wanted);
    if (!which) return std::move(which).error();
    auto contents = which->table.read(*opened);
    if (!contents) return std::move(contents).error();
    return table_facts{std::move(which->info), std::move(contents).value()};
}

result<table_seal_report> seal(const context& with, const std::string& wanted) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    auto which = find_table(*opened, wanted);
    if (!which) return std::move(which).error();
    auto sealed = which->table.seal(*opened);
    if (!sealed) return std::move(sealed).error();
    return table_seal_report{std::move(which->info)};
}

result<std::uint64_t> parse_key(const std::string& words, const std::string& where) {
    const auto number = argument_value(words);
    if (number) return *number;
    return error{0, where, "'" + words + "' is neither a number nor the name of a constant",
                 "decimal, 0x..., or names as in the headers: AF_INET, CLONE_NEWUSER|SIGCHLD"};
}

// "K" or "K=V"; a table in which no key has a value does not need room for values.
result<void> add_entry(table_change& to, const std::string& words, const std::string& where) {
    const std::size_t equals = words.find('=');
    const auto key = parse_key(words.substr(0, equals), where);
    if (!key) return key.error();
    to.keys.push_back(*key);
    if (equals == std::string::npos) {
        if (!to.values.empty()) to.values.push_back(0);
        return {};
    }
    const auto value = parse_key(words.substr(equals + 1), where);
    if (!value) return value.error();
    to.values.resize(to.keys.size());
    to.values.back() = *value;
    return {};
}

std::string trimmed(const std::string& text) {
    constexpr const char* blanks = " \t\r";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// One entry a line; empty lines, and what follows a #, do not count.
result<void> add_lines(table_change& to, std::istream& from, const std::string& name) {
    std::string text;
    for (std::size_t number = 1; std::getline(from, text); ++number) {
        const std::string entry = trimmed(text.substr(0, text.find('#')));
        if (entry.empty()) continue;
        if (auto added = add_entry(to, entry, fmt::format("{}, line {}", name, number)); !added) return added;
    }
    if (from.bad()) return error{errno, "read " + name, std::strerror(errno), ""};
    return {};
}

result<void> add_file(table_change& to, const std::string& file) {
    if (file == "-") return add_lines(to, std::cin, "standard input");
    std::ifstream from(file);
    if (!from) return error{errno, "open " + file, std::strerror(errno), ""};
    return add_lines(to, from, file);
}

result<table_change> change_of(const update_options& options) {
    table_change change;
    if (options.whole) change.others = other_keys::go;
    for (const std::string& each : options.add)
        if (auto added = add_entry(change, each, "--add"); !added) return std::move(added).error();
    if (!options.file.empty())
        if (auto added = add_file(change, options.file); !added) return std::move(added).error();
    for (const std::string& each : options.remove) {
        const auto key = parse_key(each, "--remove");
        if (!key) return key.error();
        change.remove.push_back(*key);
    }
    return change;
}

result<table_update_report> update(const context& with, const update_options& options) {
    const auto change = change_of(options);
    if (!change) return change.error();
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    auto which = find_table(*opened, options.table);
    if (!which) return std::move(which).error();
    const auto done = which->table.update(*opened, *change);
    if (!done) return done.error();
    return table_update_report{std::move(which->info), *done};
}

CLI::App* add_command(CLI::App& table, const std::string& name, const std::string& about, std::string& wanted) {
    CLI::App* command = table.add_subcommand(name, about);
    command->add_option("table", wanted, "Its id, or its name")->required()->type_name("ID|NAME");
    return command;
}

void add_update(CLI::App& table, registry& to) {
    auto options = std::make_shared<update_options>();
    CLI::App* command =
        add_command(table, "update", "Change what is in it, in all tasks at once, in one step", options->table);
    command->add_option("--add", options->add, "Keys to be there, with their values")->type_name("KEY[=VALUE]...");
    auto* remove = command->add_option("--remove", options->remove, "Keys to take away")->type_name("KEY...");
    command->add_option("--from", options->file, "Add those of a file, one a line; - for standard input")
        ->type_name("FILE");
    command->add_flag("--whole", options->whole, "Take all others away")->excludes(remove);
    command->callback([&to, options] {
        if (!options->whole && options->add.empty() && options->remove.empty() && options->file.empty())
            throw CLI::ValidationError("table update", "nothing is to be changed: --add, --remove, --from or --whole");
        to.chosen = [options](const context& with) { return to_outcome(update(with, *options)); };
    });
}

}  // namespace

void add_table(registry& to) {
    CLI::App* table = to.app.add_subcommand("table", "What policies look into: sets of arguments, and maps");
    table->require_subcommand(1);
    table->add_subcommand("list", "List the tables in the kernel")->callback([&to] {
        to.chosen = [](const context& with) { return to_outcome(list(with)); };
    });
    auto wanted = std::make_shared<std::string>();
    add_command(*table, "show", "Show what is in it", *wanted)->callback([&to, wanted] {
        to.chosen = [wanted](const context& with) { return to_outcome(show(with, *wanted)); };
    });
    add_update(*table, to);
    auto sealed = std::make_shared<std::string>();
    add_command(*table, "seal", "Let nothing change in it any more", *sealed)->callback([&to, sealed] {
        to.chosen = [sealed](const context& with) { return to_outcome(seal(with, *sealed)); };
    });
}

}  // namespace secmap::ctl
