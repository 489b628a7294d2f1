// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/selection.hpp>
#include <everfold/cli/stored_json.hpp>
#include <everfold/cli/words.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace everfold::cli {

namespace {

constexpr position last_position{std::numeric_limits<std::uint64_t>::max()};

timestamp time_in(std::string_view option, const std::string& text) {
    if (const auto t = timestamp::parse(text))
        return *t;
    throw usage_error{fmt::format(
        "{} '{}' is not a time: RFC 3339 with its zone, as 2024-01-31T09:30:00Z, or @ and "
        "milliseconds since 1970, as @1706693400000",
        option,
        text
    )};
}

std::string tag_in(const std::string& text) {
    const auto colon = name_in("--tag", text).find(':');
    if (colon == 0 || colon == std::string::npos)
        throw usage_error{fmt::format("--tag '{}' is not KEY:VALUE, as user:123", text)};
    return text;
}

void narrow(query& q, const selection_words& words) {
    const auto& within = q.within();
    if (words.since)
        q.since(time_in("--since", *words.since));
    if (words.until)
        q.until(time_in("--until", *words.until));
    if (within.since && within.until && *within.until < *within.since)
        throw usage_error{fmt::format(
            "--until '{}' is before --since '{}': no event can be in that time",
            *words.until,
            *words.since
        )};
    if (words.from)
        q.from(position{number_in("--from", *words.from, "a position")});
    if (words.to)
        q.to(position{number_in("--to", *words.to, "a position")});
    if (within.to < within.from)
        throw usage_error{fmt::format(
            "--to {} is before --from {}: no event can be there",
            within.to.value(),
            within.from.value()
        )};
    if (words.is_backwards)
        q.backwards();
}

} // namespace

field_condition::field_condition(std::string_view text) {
    const auto cut = text.find('=');
    if (!text.starts_with('/') || cut == std::string_view::npos)
        throw usage_error{fmt::format(
            "--where '{}' is not /POINTER=VALUE, as /user_id=123 or /address/city=Paris", text
        )};
    try {
        at_ = nlohmann::ordered_json::json_pointer{std::string{text.substr(0, cut)}};
    } catch (const nlohmann::json::exception&) {
        throw usage_error{fmt::format(
            "--where '{}': what stands before = is no JSON pointer; ~ is written ~0 and / in a "
            "name ~1",
            text
        )};
    }
    text_ = text.substr(cut + 1);
    if (!is_utf8(text))
        throw usage_error{fmt::format("--where '{}' is not well-formed UTF-8", text)};
    try {
        value_ = parse_json(text_);
    } catch (const error&) {
        // Then it is text and nothing else.
    }
}

bool field_condition::holds_for(const nlohmann::ordered_json& data) const {
    if (!data.contains(at_))
        return false;
    const auto& found = data.at(at_);
    if (found.is_string() && found.get_ref<const std::string&>() == text_)
        return true;
    return value_ && found == *value_;
}

selection parse_selection(const selection_words& words) {
    const std::vector<std::string> whatever{""};
    std::optional<query> all;
    for (const auto& stream : words.streams.empty() ? whatever : words.streams) {
        for (const auto& category : words.categories.empty() ? whatever : words.categories) {
            query one;
            if (!words.streams.empty())
                one.stream(name_in("--stream", stream));
            if (!words.categories.empty())
                one.category(name_in("--category", category));
            for (const auto& type : words.types)
                one.type(name_in("--type", type));
            for (const auto& tag : words.tags)
                one.tag(tag_in(tag));
            all = all ? std::move(*all) | one : std::move(one);
        }
    }
    selection out;
    out.which = std::move(*all);
    narrow(out.which, words);
    for (const auto& condition : words.where)
        out.conditions.emplace_back(condition);
    if (words.limit)
        out.limit = number_in("--limit", *words.limit, "a count");
    return out;
}

selected_events::selected_events(store from, selection wanted)
    : from_{std::move(from)}
    , wanted_{std::move(wanted)}
    , next_{wanted_.which.within().from}
    , left_{wanted_.limit} {}

bool selected_events::is_done() const noexcept {
    const auto& within = wanted_.which.within();
    return left_ == 0 || (within.to != last_position && next_ > within.to) ||
           (within.is_backwards && span_ != 0);
}

void selected_events::wait_for_new(std::chrono::milliseconds timeout) {
    static_cast<void>(from_.wait_for(next_, timeout));
}

std::uint64_t selected_events::visit_new(const event_visitor& visit) {
    const auto end = from_.end();
    const auto& within = wanted_.which.within();
    if (is_done() || next_ >= end)
        return 0;
    // Up to here and no further, so that the next call knows where this one ended.
    const position last{std::min(end.value() - 1, within.to.value())};
    auto which = wanted_.which;
    which.from(next_).to(last);
    span_ = last - next_ + 1;
    std::uint64_t visited = 0;
    for (const auto& event : from_.read(which)) {
        passed_ = within.is_backwards ? last - event.log_position : event.log_position - next_;
        if (!wanted_.conditions.empty()) {
            const auto data = data_of(event);
            if (!std::ranges::all_of(wanted_.conditions, [&](const auto& c) {
                    return c.holds_for(data);
                }))
                continue;
        }
        visit(event);
        ++visited;
        if (--left_ == 0)
            break;
    }
    next_ = last.next();
    return visited;
}

} // namespace everfold::cli
