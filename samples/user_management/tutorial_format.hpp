// SPDX-License-Identifier: MIT
#pragma once
// The tutorial's log, one JSON object a line, to events and back:
//   {"timestamp": 1704067200000, "datetime": "2024-01-01T00:00:00.000",
//    "event_type": "user_created", "data": {"user_id": 1, "name": "Ada"}}

#include <everfold/json.hpp>
#include <everfold/store/append.hpp>
#include <everfold/store/recorded_event.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace users {

/// A line that is not an event of the tutorial's form, or one that could not be folded.
class malformed_line : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// `occurred_at` is the timestamp exactly and the payload is `data` as given: fields, order and
/// nulls. What else the line holds is kept as the event's metadata. The datetime says nothing that
/// the timestamp does not and is not kept.
/// Failure: malformed_line, with the reason.
[[nodiscard]] everfold::new_event event_from_line(std::string_view line);

/// Whether `data` may be the data of an event of this type: those the state folds must fit their
/// structs; any other type takes any object. The sentence says what is wrong; empty: nothing.
[[nodiscard]] std::string misfit(std::string_view event_type, const nlohmann::ordered_json& data);

/// The event in the tutorial's form and spelling, without a line end.
[[nodiscard]] std::string line_from_event(const everfold::recorded_event& event);

/// `2024-01-01T00:00:00.000`, in UTC, as the tutorial writes it; outside the years 1 to 9999, which
/// it can't write, `@` and the milliseconds.
[[nodiscard]] std::string tutorial_datetime(std::int64_t milliseconds);

/// Cuts bytes into lines. Bounded memory: a line longer than `line_bytes_max` ends the reading.
class line_reader {
public:
    /// An event's limit is 1 MiB, and JSON spells one byte with up to six.
    static constexpr std::size_t line_bytes_max = 16U << 20U;

    /// `read` fills its argument and says how many bytes it wrote, 0 at the end.
    explicit line_reader(std::function<std::size_t(char*, std::size_t)> read);

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
    std::string buffer_{};
    std::size_t begin_{};
    std::size_t end_{};
    bool is_at_end_{};
    std::uint64_t number_{};
    std::uint64_t bytes_{};
};

} // namespace users
