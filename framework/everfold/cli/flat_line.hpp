// SPDX-License-Identifier: MIT
#pragma once
// A line of the tutorial's form, read as the parser comes by it: no value is made for what is in
// it.

#include <everfold/store/append.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace everfold::cli {

/// The usual line: the four fields of the form and no other, and data without objects and arrays in
/// it. Whatever else a line is, event_from_tutorial_line() reads it, and says what is wrong with
/// it.
///
/// Owns:    the texts, whose memory the next line uses again.
/// Threads: one.
class flat_line {
public:
    using value =
        std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string>;

    /// False where the line is another than the usual one; nothing else is to be asked then.
    [[nodiscard]] bool parse(std::string_view line);

    /// The same event that event_from_tutorial_line() makes of the line.
    void make_event(new_event& into) const;

    /// A field of the data, or null.
    [[nodiscard]] const value* find(std::string_view key) const noexcept;

private:
    class handler;

    struct member {
        std::string key{};
        value content{};
    };

    std::int64_t milliseconds_{};
    std::string type_{};
    std::vector<member> members_{}; // the first `count_` are this line's
    std::size_t count_{};
};

} // namespace everfold::cli
