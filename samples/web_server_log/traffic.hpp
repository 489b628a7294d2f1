// SPDX-License-Identifier: MIT
#pragma once
// Everything that is answered about a log: a value, folded from the events in one pass.

#include "events.hpp"

#include <everfold/base/timestamp.hpp>
#include <everfold/event/event.hpp>
#include <everfold/event/event_info.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace web_server {

/// Hours since 1970, in UTC.
using hour = std::int64_t;

struct traffic {
    using events = everfold::events<http_request, server_error, unparsed_line, access_log_read>;

    /// How many of each are kept in full; all are counted.
    static constexpr std::size_t errors_kept = 5;
    static constexpr std::size_t unparsed_kept = 1000;

    struct bytes {
        std::uint64_t total{};
        std::int64_t minimum{std::numeric_limits<std::int64_t>::max()};
        std::int64_t maximum{};
        /// Requests that were answered without a body.
        std::uint64_t without_body{};
    };

    struct client {
        std::uint64_t requests{};
        std::uint64_t bytes_sent{};
    };

    struct error_seen {
        everfold::timestamp at{};
        server_error what{};
    };

    struct unparsed_seen {
        std::int64_t line{};
        std::string reason{};
    };

    std::uint64_t requests{};
    std::uint64_t errors{};
    std::uint64_t unparsed{};
    bytes sent{};
    std::map<std::int64_t, std::uint64_t> statuses{};
    /// Without what follows the question mark.
    std::unordered_map<std::string, std::uint64_t> paths{};
    std::unordered_map<std::string, client> clients{};
    std::map<hour, std::uint64_t> hours{};
    everfold::timestamp first{};
    everfold::timestamp last{};
    /// The last ones, oldest first.
    std::vector<error_seen> last_errors{};
    /// The first ones.
    std::vector<unparsed_seen> unparsed_lines{};
    /// Of the access log, once all of it was read.
    std::optional<std::int64_t> lines{};

    void apply(const http_request& e, const everfold::event_info& info);
    void apply(const server_error& e, const everfold::event_info& info);
    void apply(const unparsed_line& e);
    void apply(const access_log_read& e);

    /// 0 where there was no request.
    [[nodiscard]] double average_sent() const noexcept;
    /// Requests by the first digit of their status, 1 to 9.
    [[nodiscard]] std::array<std::uint64_t, 10> status_classes() const noexcept;
    [[nodiscard]] std::array<std::uint64_t, 24> hours_of_day() const noexcept;
    /// The earliest where several are equal; nothing where there was no request.
    [[nodiscard]] std::optional<std::pair<hour, std::uint64_t>> busiest_hour() const noexcept;
    /// The most frequent first, and those equally frequent by name.
    [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> busiest_paths(std::size_t count
    ) const;
    [[nodiscard]] std::vector<std::pair<std::string, client>> most_active_clients(std::size_t count
    ) const;
};

} // namespace web_server
