// SPDX-License-Identifier: MIT
#include "traffic.hpp"

#include <algorithm>

namespace web_server {

namespace {

hour hour_of(everfold::timestamp t) {
    const auto seconds = t.seconds();
    return seconds / 3600 - (seconds % 3600 < 0 ? 1 : 0);
}

// The largest `count` by `requests_in`, those of equal size by name.
template <class Map, class F>
auto top(const Map& from, std::size_t count, F requests_in) {
    using value = typename Map::mapped_type;
    std::vector<std::pair<std::string, value>> all{from.begin(), from.end()};
    const auto shown = static_cast<std::ptrdiff_t>(std::min(count, all.size()));
    std::partial_sort(
        all.begin(),
        all.begin() + shown,
        all.end(),
        [&](const auto& a, const auto& b) {
            const auto of_a = requests_in(a.second);
            const auto of_b = requests_in(b.second);
            return of_a != of_b ? of_a > of_b : a.first < b.first;
        }
    );
    all.resize(static_cast<std::size_t>(shown));
    return all;
}

} // namespace

void traffic::apply(const http_request& e, const everfold::event_info& info) {
    const auto count = static_cast<std::uint64_t>(e.bytes_sent);
    first = requests == 0 ? info.occurred_at : std::min(first, info.occurred_at);
    last = requests == 0 ? info.occurred_at : std::max(last, info.occurred_at);
    ++requests;
    sent.total += count;
    sent.minimum = std::min(sent.minimum, e.bytes_sent);
    sent.maximum = std::max(sent.maximum, e.bytes_sent);
    sent.without_body += count == 0 ? 1 : 0;
    ++statuses[e.status_code];
    ++paths[e.path.substr(0, e.path.find('?'))];
    auto& who = clients[e.client];
    ++who.requests;
    who.bytes_sent += count;
    ++hours[hour_of(info.occurred_at)];
}

void traffic::apply(const server_error& e, const everfold::event_info& info) {
    ++errors;
    if (last_errors.size() == errors_kept)
        last_errors.erase(last_errors.begin());
    last_errors.push_back({info.occurred_at, e});
}

void traffic::apply(const unparsed_line& e) {
    ++unparsed;
    if (unparsed_lines.size() < unparsed_kept)
        unparsed_lines.push_back({e.line, e.reason});
}

void traffic::apply(const access_log_read& e) {
    lines = e.lines;
}

double traffic::average_sent() const noexcept {
    return requests == 0 ? 0 : static_cast<double>(sent.total) / static_cast<double>(requests);
}

std::array<std::uint64_t, 10> traffic::status_classes() const noexcept {
    std::array<std::uint64_t, 10> out{};
    for (const auto& [status, count] : statuses)
        out[static_cast<std::size_t>(status / 100) % out.size()] += count;
    return out;
}

std::array<std::uint64_t, 24> traffic::hours_of_day() const noexcept {
    std::array<std::uint64_t, 24> out{};
    for (const auto& [at, count] : hours)
        out[static_cast<std::size_t>((at % 24 + 24) % 24)] += count;
    return out;
}

std::optional<std::pair<hour, std::uint64_t>> traffic::busiest_hour() const noexcept {
    const auto found =
        std::max_element(hours.begin(), hours.end(), [](const auto& a, const auto& b) {
            return a.second < b.second;
        });
    if (found == hours.end())
        return {};
    return *found;
}

std::vector<std::pair<std::string, std::uint64_t>> traffic::busiest_paths(std::size_t count) const {
    return top(paths, count, [](std::uint64_t n) { return n; });
}

std::vector<std::pair<std::string, traffic::client>> traffic::most_active_clients(std::size_t count
) const {
    return top(clients, count, [](const client& c) { return c.requests; });
}

} // namespace web_server
