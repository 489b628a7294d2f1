// SPDX-License-Identifier: MIT
#include "access_log_line.hpp"

#include <everfold/base/bytes.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <system_error>
#include <utility>

namespace web_server {

namespace {

// The longest name of a host.
constexpr std::size_t client_bytes_max = 255;
// 1 PiB: sums of sensible numbers then fit 64 bits.
constexpr std::int64_t bytes_sent_max = std::int64_t{1} << 50U;

// Takes a line apart from the left.
class scanner {
public:
    explicit scanner(std::string_view line)
        : rest_{line} {}

    [[nodiscard]] bool is_at_end() const noexcept { return rest_.empty(); }

    /// Up to `end`, which is dropped.
    [[nodiscard]] std::string_view up_to(std::string_view end, const char* what) {
        const auto at = rest_.find(end);
        if (at == std::string_view::npos)
            throw unparsable{std::string{"it ends in "} + what};
        const auto found = rest_.substr(0, at);
        rest_.remove_prefix(at + end.size());
        if (found.empty())
            throw unparsable{std::string{what} + " is missing"};
        return found;
    }

    /// What is between quotation marks; one after a backslash does not count.
    [[nodiscard]] std::string_view quoted(const char* what) {
        if (rest_.empty())
            throw unparsable{std::string{"it ends before "} + what};
        if (!rest_.starts_with('"'))
            throw unparsable{std::string{what} + " does not start with a quotation mark"};
        for (std::size_t at = 1; at < rest_.size(); ++at) {
            if (rest_[at] == '\\') {
                ++at;
            } else if (rest_[at] == '"') {
                const auto found = rest_.substr(1, at - 1);
                rest_.remove_prefix(at + 1);
                return found;
            }
        }
        throw unparsable{std::string{what} + " has no closing quotation mark"};
    }

    void blank_after(const char* what) {
        if (!rest_.starts_with(' '))
            throw unparsable{std::string{"no blank follows "} + what};
        rest_.remove_prefix(1);
    }

private:
    std::string_view rest_;
};

std::optional<std::int64_t> digits(std::string_view text) {
    std::int64_t value{};
    const auto* end = text.data() + text.size();
    const auto [stopped, failed] = std::from_chars(text.data(), end, value);
    if (failed != std::errc{} || stopped != end || text.front() == '-')
        return {};
    return value;
}

// 17/May/2015:10:05:03 +0000
std::optional<everfold::timestamp> time_from(std::string_view text) {
    constexpr std::array<std::string_view, 12> months{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    constexpr std::string_view form = "00/Mon/0000:00:00:00 +0000";
    if (text.size() != form.size())
        return {};
    for (std::size_t i = 0; i < form.size(); ++i) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        const bool is_free = i >= 3 && i < 6;
        const bool is_sign = form[i] == '+' && text[i] == '-';
        if (form[i] == '0' ? !is_digit : !is_free && !is_sign && text[i] != form[i])
            return {};
    }
    const auto number = [&](std::size_t at, std::size_t count) {
        int value = 0;
        for (const char c : text.substr(at, count))
            value = value * 10 + (c - '0');
        return value;
    };
    const auto month = std::find(months.begin(), months.end(), text.substr(3, 3));
    const std::chrono::year_month_day day{
        std::chrono::year{number(7, 4)},
        std::chrono::month{static_cast<unsigned>(month - months.begin()) + 1},
        std::chrono::day{static_cast<unsigned>(number(0, 2))}};
    const auto hour = number(12, 2);
    const auto minute = number(15, 2);
    const auto second = number(18, 2); // 60 in a leap second: the first of the next minute
    const auto zone_hours = number(22, 2);
    const auto zone_minutes = number(24, 2);
    if (!day.ok() || hour > 23 || minute > 59 || second > 60 || zone_hours > 23 ||
        zone_minutes > 59)
        return {};
    const auto east = (zone_hours * 60 + zone_minutes) * (text[21] == '-' ? -1 : 1);
    const auto days = std::int64_t{std::chrono::sys_days{day}.time_since_epoch().count()};
    return everfold::timestamp{
        days * 86'400 + std::int64_t{hour} * 3600 + (minute - east) * 60 + second, 0};
}

std::optional<std::string> unless_dash(std::string_view field) {
    if (field == "-")
        return {};
    return text_of(field);
}

bool is_method(std::string_view word) {
    return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
    });
}

// "METHOD path HTTP/1.1", or whatever else a client sent to the server's port.
void read_request(std::string_view text, http_request& into) {
    const auto first = text.find(' ');
    const auto last = text.rfind(' ');
    const bool has_protocol = first != std::string_view::npos && last > first &&
                              text.substr(last + 1).starts_with("HTTP/");
    if (!has_protocol || !is_method(text.substr(0, first))) {
        into.path = text_of(text);
        return;
    }
    into.method = std::string{text.substr(0, first)};
    into.path = text_of(text.substr(first + 1, last - first - 1));
    into.protocol = text_of(text.substr(last + 1));
}

std::string_view phrase_of(std::int64_t status) {
    switch (status) {
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    case 505:
        return "HTTP Version Not Supported";
    case 507:
        return "Insufficient Storage";
    default:
        return "Server Error";
    }
}

} // namespace

access_log_line parse_line(std::string_view line) {
    if (line.find_first_not_of(" \t") == std::string_view::npos)
        throw unparsable{"it is empty"};
    access_log_line out;
    auto& request = out.request;
    scanner rest{line};

    const auto client = rest.up_to(" ", "the client's address");
    if (client.size() > client_bytes_max)
        throw unparsable{"the client's address is longer than 255 bytes"};
    request.client = text_of(client);
    static_cast<void>(rest.up_to(" ", "the identity")); // nobody has had an ident server for years
    request.user = unless_dash(rest.up_to(" [", "the user's name"));
    const auto time = rest.up_to("]", "the time");
    const auto at = time_from(time);
    if (!at)
        throw unparsable{"the time is not of the form 17/May/2015:10:05:03 +0000"};
    out.at = *at;
    rest.blank_after("the time");

    read_request(rest.quoted("the request"), request);
    rest.blank_after("the request");
    const auto status = digits(rest.up_to(" ", "the status code"));
    if (!status || *status < 100 || *status > 999)
        throw unparsable{"the status code is not a number of three digits"};
    request.status_code = *status;
    const auto sent = rest.up_to(" ", "the number of bytes sent");
    const auto count = sent == "-" ? 0 : digits(sent);
    if (!count || *count > bytes_sent_max)
        throw unparsable{"the number of bytes sent is neither a sensible number nor -"};
    request.bytes_sent = *count;

    request.referrer = unless_dash(rest.quoted("the referrer"));
    rest.blank_after("the referrer");
    request.user_agent = unless_dash(rest.quoted("the user agent"));
    if (!rest.is_at_end())
        throw unparsable{"it goes on after the user agent"};
    return out;
}

std::optional<server_error> error_of(const http_request& request) {
    if (request.status_code < 500)
        return {};
    return server_error{
        .error_type = std::string{phrase_of(request.status_code)},
        .message = request.method ? *request.method + ' ' + request.path : request.path,
        .status_code = request.status_code,
        .client = request.client};
}

std::string text_of(std::string_view bytes) {
    if (everfold::is_utf8(bytes))
        return std::string{bytes};
    std::string out;
    while (!bytes.empty()) {
        std::size_t length = 1;
        while (length <= 4 && !everfold::is_utf8(bytes.substr(0, length)))
            ++length;
        if (length <= 4) {
            out += bytes.substr(0, length);
        } else {
            length = 1;
            out += "\\x" + everfold::to_hex(everfold::as_bytes(bytes.substr(0, 1)));
        }
        bytes.remove_prefix(length);
    }
    return out;
}

} // namespace web_server
