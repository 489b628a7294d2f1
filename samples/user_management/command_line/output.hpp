// SPDX-License-Identifier: MIT
#pragma once
// Standard output that notices when it can't be written, and what a terminal may be shown.

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace users {

enum class colour : std::uint8_t { none, bold, dim, red, green, yellow, cyan };

/// A buffered file descriptor.
///
/// Owns:    nothing; the descriptor outlives it.
/// Failure: input_output_error from any member that writes, also for a closed pipe or a full disk.
///          Whoever writes calls flush() last: the destructor drops what is left.
class output {
public:
    output(int descriptor, std::string name);

    [[nodiscard]] bool is_terminal() const noexcept { return is_terminal_; }

    /// The text in the colour, on a terminal and where NO_COLOR is not set.
    [[nodiscard]] std::string in(colour c, std::string_view text) const;

    void write(std::string_view text);

    template <class... Args>
    void print(fmt::format_string<Args...> format, Args&&... args) {
        write(fmt::format(format, std::forward<Args>(args)...));
    }

    /// A line of JSON. On a terminal its control characters become \uXXXX, which is the same JSON.
    void write_json_line(std::string_view json);

    void flush();

private:
    int descriptor_;
    std::string name_;
    std::string buffer_{};
    bool is_terminal_{};
    bool is_coloured_{};
};

/// Columns that line up. Cells are escaped with base's printable().
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
    void print(output& out) const;

private:
    std::vector<column> columns_;
    std::vector<std::vector<cell>> rows_{};
    std::vector<std::size_t> widths_{};
};

/// A line on standard error that shows how far something is; nothing where that is no terminal.
class progress {
public:
    /// `total` in the unit of update()'s `done`; 0: unknown.
    progress(std::string what, std::uint64_t total);
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    progress(progress&&) = delete;
    progress& operator=(progress&&) = delete;
    ~progress();

    void update(std::uint64_t done, std::uint64_t events);

private:
    std::string what_;
    std::uint64_t total_;
    bool is_shown_;
    std::int64_t started_;
    std::int64_t drawn_{};
};

/// 1234567 as 1,234,567.
[[nodiscard]] std::string with_thousands(std::uint64_t n);

/// "812 bytes", "1.5 KiB", "2.0 MiB".
[[nodiscard]] std::string in_units(std::uint64_t bytes);

/// "1 event", "20,000 events".
[[nodiscard]] std::string counted(std::uint64_t n, std::string_view noun);

/// Cells that a terminal needs for well-formed UTF-8.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// JSON text whose control and direction-changing characters are spelled \uXXXX.
[[nodiscard]] std::string escaped_json(std::string_view json);

} // namespace users
