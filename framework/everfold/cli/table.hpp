// SPDX-License-Identifier: MIT
#pragma once
// Answers for people in columns.

#include <everfold/cli/output.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace everfold::cli {

/// Columns that line up. Cells are escaped with base's printable().
///
/// Of what does not end, or does not fit into memory, rows may be printed piece by piece: the
/// columns are then as wide as the widest cell so far.
class table {
public:
    enum class align : std::uint8_t { left, right };

    struct column {
        std::string title{};
        align alignment{align::left};
    };

    struct cell {
        std::string text{};
        colour tint{colour::none};
    };

    explicit table(std::vector<column> columns);
    void add(std::vector<cell> row);

    /// How many rows wait to be printed.
    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

    /// Prints the titles, the first time, and the rows that were added since the last time.
    void print(output& out);

private:
    std::vector<column> columns_;
    std::vector<std::vector<cell>> rows_{};
    std::vector<std::size_t> widths_{};
    bool has_titles_{};
};

} // namespace everfold::cli
