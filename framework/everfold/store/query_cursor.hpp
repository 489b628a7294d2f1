// SPDX-License-Identifier: MIT
#pragma once
// Where a reading was, so that it can go on in another process and at another time.

#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace everfold {

/// A place between two events of one query in one log. A value; its text survives a restart.
///
/// Forwards a reading goes on at the position `boundary`, backwards below it. Events that are
/// appended later are seen by who reads forwards, each once.
struct query_cursor {
    uuid log_id{};
    /// Of the query, see query::fingerprint().
    std::uint64_t fingerprint{};
    bool is_backwards{};
    position boundary{};

    /// Letters, digits, dots and dashes, with a checksum.
    [[nodiscard]] std::string to_string() const;

    /// Reads exactly what to_string writes; otherwise nothing.
    [[nodiscard]] static std::optional<query_cursor> parse(std::string_view text);

    friend bool operator==(const query_cursor&, const query_cursor&) = default;
};

} // namespace everfold
