// SPDX-License-Identifier: MIT
#pragma once
// Standard output that notices when it can't be written, and what a terminal may be shown.

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace everfold::cli {

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

    /// False once the other end of a pipe was closed: what is written can reach nobody.
    [[nodiscard]] bool has_reader() const noexcept;

    void flush();

private:
    int descriptor_;
    std::string name_;
    std::string buffer_{};
    bool is_terminal_{};
    bool is_coloured_{};
};

} // namespace everfold::cli
