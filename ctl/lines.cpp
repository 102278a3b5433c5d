// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lines.hpp"

#include "words.hpp"

namespace secmap::ctl {

std::vector<std::string> number_words(abi on, const std::vector<std::uint32_t>& numbers) {
    std::vector<std::string> words;
    std::size_t run = 0;
    for (std::size_t each = 0; each < numbers.size(); ++each) {
        const std::string word = call_words(on, numbers[each]);
        const bool follows = each > 0 && numbers[each] == numbers[each - 1] + 1;
        run = word.starts_with('#') ? (follows ? run + 1 : 1) : 0;
        if (run < 2)
            words.push_back(word);
        else
            words.back() = words.back().substr(0, words.back().find('.')) + "..." + word;
    }
    return words;
}

void print_words(buffer& to, const std::vector<std::string>& words) {
    std::string row;
    for (const std::string& word : words) {
        if (!row.empty() && row.size() + word.size() + 1 > line_width) {
            line(to, "{}{}", indent, row);
            row.clear();
        }
        row += (row.empty() ? "" : " ") + word;
    }
    if (!row.empty()) line(to, "{}{}", indent, row);
}

}  // namespace secmap::ctl
