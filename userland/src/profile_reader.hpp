// SPDX-License-Identifier: LGPL-2.1-or-later
// From a JSON document to a profile. Not installed.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <secmap/profile.hpp>

namespace secmap::detail {

/// Reads one document. The first fault is kept, and what is read after it does not count.
class profile_reader final {
public:
    profile_reader(std::string file, const profile_host& host);

    [[nodiscard]] result<profile> read(const nlohmann::json& document);

private:
    using json = nlohmann::json;

    /// One of the objects of a document, and where it is.
    struct object {
        const json& value;
        std::string place;
    };

    void refuse(std::string_view place, std::string_view reason, std::string_view hint = "");
    void note(std::string_view place, std::string_view reason);

    bool is_object(const object& at);
    void known_members(const object& at, std::initializer_list<std::string_view> names);
    const json* member(const object& at, std::string_view name);
    const json* list(const object& at, std::string_view name);
    std::string text(const object& at, std::string_view name);
    std::string required_text(const object& at, std::string_view name);
    std::vector<std::string> texts(const object& at, std::string_view name);
    std::optional<std::uint64_t> number(const object& at, std::string_view name, std::uint64_t largest);
    std::uint64_t required_number(const object& at, std::string_view name, std::uint64_t largest);

    void read_defaults(const object& root);
    void read_flags(const object& root);
    void read_abis(const object& root);
    void read_arch_map(const object& root);
    void check_abi(const std::string& name, const std::string& place);
    void add_abi(const std::string& name, const std::string& place);
    void read_entry(const object& at);
    std::vector<std::string> read_names(const object& at);
    std::optional<std::uint32_t> read_action(const object& at, std::string_view name_of_action,
                                             std::string_view name_of_number, std::string_view name_of_errno);
    std::uint32_t read_data(const object& at, std::uint32_t action, std::string_view name_of_number,
                            std::string_view name_of_errno);
    profile_arg read_arg(const object& at);
    bool applies(const object& at);
    struct filter;
    filter read_filter(const object& at, std::string_view name);
    bool has_capability(const std::string& name) const;

    profile made_;
    profile_host host_;
    std::optional<error> fault_;
};

}  // namespace secmap::detail
