// SPDX-License-Identifier: MIT
#pragma once
// Input line by line, whatever its size.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace everfold::cli {

/// A line that is not what it must be. The caller knows its number.
class malformed_line : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Cuts bytes into lines. Bounded memory: a line longer than `bytes_max` ends the reading.
class line_reader {
public:
    /// An event's limit is 1 MiB, and JSON spells one byte with up to six.
    static constexpr std::size_t line_bytes_max = 16U << 20U;

    /// `read` fills its argument and says how many bytes it wrote, 0 at the end.
    explicit line_reader(
        std::function<std::size_t(char*, std::size_t)> read, std::size_t bytes_max = line_bytes_max
    );

    /// The next line without its end (LF or CR LF), or false after the last one. The view lives
    /// until the next call. Failure: malformed_line where it is too long.
    [[nodiscard]] bool next(std::string_view& line);

    /// Of the line that next() gave last, from 1.
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

    /// Read so far, with line ends.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    bool fill();

    std::function<std::size_t(char*, std::size_t)> read_;
    std::size_t bytes_max_;
    std::string buffer_{};
    std::size_t begin_{};
    std::size_t end_{};
    bool is_at_end_{};
    std::uint64_t number_{};
    std::uint64_t bytes_{};
};

} // namespace everfold::cli
