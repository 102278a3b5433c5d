// SPDX-License-Identifier: LGPL-2.1-or-later
// From a graph of questions to an ordered list of clauses, the first of which that holds decides. Not installed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

#include "decisions.hpp"

namespace secmap::detail {

/// A conjunction and what follows from it.
struct clause {
    std::vector<condition> conditions;
    std::uint32_t action = 0;
};

/// Tables that conditions refer to; equal ones are one.
class table_pool final {
public:
    /// The index of the table with these keys, sorted.
    [[nodiscard]] std::uint32_t add(const std::vector<std::uint64_t>& keys);
    [[nodiscard]] const std::vector<table_image>& tables() const noexcept { return tables_; }
    [[nodiscard]] std::vector<table_image> take() && { return std::move(tables_); }

private:
    std::vector<table_image> tables_;
    std::map<std::vector<std::uint64_t>, std::uint32_t> known_;
};

/// Flattens graphs. Lists are shared, as the graph's nodes are: a node whose answer "yes" falls back to where "no" leads
/// gives its clauses, followed by the very list of "no". That keeps the length in the order of the profile's.
class flattener final {
public:
    flattener(decisions& graph, table_pool& tables, std::uint32_t default_action)
        : graph_(graph), tables_(tables), default_action_(default_action) {}

    /// What decides from a node on. A call for which no clause holds gets the default action. Nothing: too many clauses.
    [[nodiscard]] std::optional<std::vector<clause>> clauses_from(node_id start);

private:
    /// Index into items_; 0: the empty list.
    using list_id = std::uint32_t;
    struct item {
        clause content;
        list_id next = 0;
    };
    /// A node, or with the top bit an index into splits_.
    using target = std::uint32_t;
    struct cell {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        target to = 0;
    };
    /// Where each value of an argument leads: cells without gaps, in order.
    struct split {
        std::uint8_t arg = 0;
        std::uint8_t width = 64;
        std::vector<cell> cells;
    };
    struct plan;

    [[nodiscard]] list_id list_of(target which);
    [[nodiscard]] list_id list_of_node(node_id which);
    [[nodiscard]] list_id list_of_split(const split& over);
    [[nodiscard]] plan plan_for(const split& over, target rest);
    [[nodiscard]] list_id carry_out(const plan& chosen);
    [[nodiscard]] std::optional<list_id> list_of_masked(const node& high);

    [[nodiscard]] split split_at(node_id start);
    void narrow(split& made);
    [[nodiscard]] std::vector<cell> cells_of_low(node_id start, std::uint8_t arg, std::uint32_t high) const;
    [[nodiscard]] std::vector<std::uint32_t> bounds(node_id start, std::uint8_t arg,
                                                    std::optional<std::uint32_t> high) const;
    [[nodiscard]] node_id follow(node_id from, std::uint8_t arg, std::uint32_t high,
                                 std::optional<std::uint32_t> low) const;
    [[nodiscard]] bool plain(node_id which, std::uint8_t arg) const;

    [[nodiscard]] std::vector<std::vector<condition>> alternatives(const split& over, target to);
    [[nodiscard]] condition membership(const split& over, comparison op, const std::vector<std::uint64_t>& keys);

    [[nodiscard]] list_id cons(const std::vector<condition>& more, const clause& content, list_id next);
    [[nodiscard]] std::vector<list_id> chain(list_id from) const;

    decisions& graph_;
    table_pool& tables_;
    std::uint32_t default_action_;
    std::vector<item> items_ = {item{}};
    std::vector<split> splits_;
    std::map<target, list_id> done_;
    std::map<std::string, list_id> interned_;
    bool too_long_ = false;
};

}  // namespace secmap::detail
