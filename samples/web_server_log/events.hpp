// SPDX-License-Identifier: MIT
#pragma once
// What a web server's access log says. The names of types and fields are those on disk, for ever.

#include <everfold/event/event.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace web_server {

/// A request and its answer. Texts are spelled as in the access log, with the server's own escapes
/// (\" and \xHH); a byte that is not UTF-8 is spelled \xHH too. What the log has as "-" is absent.
struct http_request {
    static constexpr std::string_view event_type = "http_request";
    std::string client{};
    std::optional<std::string> user{};
    /// Absent where the client sent something that is no HTTP request: `path` then has all of it.
    std::optional<std::string> method{};
    std::string path{};
    std::optional<std::string> protocol{};
    std::int64_t status_code{};
    /// Of the body. The server writes "-" where it sent none: that is 0.
    std::int64_t bytes_sent{};
    std::optional<std::string> referrer{};
    std::optional<std::string> user_agent{};
    static constexpr auto event_tags = everfold::tagged("client", &http_request::client);
};

/// Recorded next to the request that the server failed to answer: status 500 and up.
struct server_error {
    static constexpr std::string_view event_type = "error";
    std::string error_type{};
    std::string message{};
    std::int64_t status_code{};
    std::string client{};
    static constexpr auto event_tags = everfold::tagged("client", &server_error::client);
};

/// A line that is no request. Kept, so that whoever asks the log later hears of it too.
struct unparsed_line {
    static constexpr std::string_view event_type = "unparsed_line";
    std::int64_t line{};
    std::string reason{};
    /// Its beginning.
    std::string text{};
};

/// The end of an import: every line before it is in the log.
struct access_log_read {
    static constexpr std::string_view event_type = "access_log_read";
    std::int64_t lines{};
};

/// Requests and errors in the order of the access log.
inline constexpr const char* requests_stream = "web_server";
/// What reading it was like.
inline constexpr const char* reading_stream = "access_log";

} // namespace web_server
