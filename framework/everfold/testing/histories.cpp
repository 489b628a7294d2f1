// SPDX-License-Identifier: MIT
#include <everfold/testing/fake_clock.hpp>
#include <everfold/testing/histories.hpp>

#include <charconv>
#include <cstdlib>
#include <map>
#include <string_view>
#include <system_error>

namespace everfold::testing::detail {

std::uint64_t seed_of(const random_events& how) {
    if (how.seed)
        return *how.seed;
    if (const auto* text = std::getenv("EVERFOLD_SEED")) {
        const std::string_view digits = text;
        std::uint64_t out{};
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out);
        if (read.ec == std::errc{} && read.ptr == digits.data() + digits.size())
            return out;
    }
    return 1;
}

history::history(std::vector<new_event> events)
    : events_{std::move(events)} {
    std::map<std::pair<std::string_view, std::uint32_t>, std::uint32_t> numbers;
    type_numbers_.reserve(events_.size());
    for (const auto& e : events_) {
        const auto next = static_cast<std::uint32_t>(numbers.size());
        type_numbers_.push_back(
            numbers.try_emplace({std::string_view{e.type}, e.version}, next).first->second
        );
    }
}

recorded_event history::at(std::size_t i) const {
    const auto& e = events_[i];
    const auto time = e.occurred_at.value_or(fake_clock::first);
    return {
        .log_position = position{i},
        .stream = "test-1",
        .stream_revision = revision{i},
        .type = e.type,
        .version = e.version,
        .type_number = type_numbers_[i],
        .recorded_at = time,
        .occurred_at = time,
        .metadata = e.metadata,
        .payload = e.payload};
}

history history::without(std::size_t i) const {
    auto fewer = events_;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    return history{std::move(fewer)};
}

history history::without_times() const {
    auto same = events_;
    for (auto& e : same)
        e.occurred_at.reset();
    return history{std::move(same)};
}

} // namespace everfold::testing::detail
