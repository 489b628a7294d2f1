// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/base/check.hpp>
#include <everfold/cli/table.hpp>
#include <everfold/cli/text.hpp>

#include <algorithm>
#include <utility>

namespace everfold::cli {

table::table(std::vector<column> columns)
    : columns_{std::move(columns)} {
    for (const auto& c : columns_)
        widths_.push_back(display_width(c.title));
}

void table::add(std::vector<cell> row) {
    everfold::check(row.size() == columns_.size(), "a table's row has a cell for each column");
    for (std::size_t i = 0; i < row.size(); ++i) {
        row[i].text = everfold::printable(row[i].text);
        widths_[i] = std::max(widths_[i], display_width(row[i].text));
    }
    rows_.push_back(std::move(row));
}

void table::print(output& out) {
    const auto line = [&](auto&& text_of, auto&& tint_of) {
        std::string row;
        std::string blanks; // written only once something follows them
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const std::string& text = text_of(i);
            const auto padding = std::string(widths_[i] - display_width(text), ' ');
            blanks += columns_[i].alignment == align::right ? "  " + padding : "  ";
            if (!text.empty())
                row += std::exchange(blanks, {}) + out.in(tint_of(i), text);
            if (columns_[i].alignment == align::left)
                blanks += padding;
        }
        out.write(row + '\n');
    };
    if (!has_titles_)
        line(
            [&](std::size_t i) -> const std::string& { return columns_[i].title; },
            [](std::size_t) { return colour::bold; }
        );
    has_titles_ = true;
    for (const auto& row : rows_)
        line(
            [&](std::size_t i) -> const std::string& { return row[i].text; },
            [&](std::size_t i) { return row[i].tint; }
        );
    rows_.clear();
}

} // namespace everfold::cli
