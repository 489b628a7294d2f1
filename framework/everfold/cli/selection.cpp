// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/selection.hpp>
#include <everfold/cli/where.hpp>
#include <everfold/cli/words.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace everfold::cli {

namespace {

constexpr std::string_view first_place = "start";
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

void refuse_crossed(
    const char* until_name,
    const std::optional<std::string>& until,
    const char* since_name,
    const std::optional<std::string>& since
) {
    if (since && until && time_in(until_name, *until) < time_in(since_name, *since))
        throw usage_error{fmt::format(
            "{} '{}' is before {} '{}': no event can be in that time",
            until_name,
            *until,
            since_name,
            *since
        )};
}

void narrow_by_revisions(query& q, const selection_words& words) {
    if (!words.from_revision && !words.to_revision)
        return;
    if (q.items().size() != 1 || !q.items().front().stream)
        throw usage_error{
            "--from-revision and --to-revision are revisions of one stream: give one --stream"};
    const auto& within = q.within();
    if (words.from_revision)
        q.from_revision(revision{number_in("--from-revision", *words.from_revision, "a revision")});
    if (words.to_revision)
        q.to_revision(revision{number_in("--to-revision", *words.to_revision, "a revision")});
    if (within.to_revision < within.from_revision)
        throw usage_error{fmt::format(
            "--to-revision {} is before --from-revision {}: no event can be there",
            within.to_revision.value(),
            within.from_revision.value()
        )};
}

void narrow(query& q, const selection_words& words) {
    const auto& within = q.within();
    if (words.since)
        q.since(time_in("--since", *words.since));
    if (words.until)
        q.until(time_in("--until", *words.until));
    refuse_crossed("--until", words.until, "--since", words.since);
    if (words.recorded_since)
        q.recorded_since(time_in("--recorded-since", *words.recorded_since));
    if (words.recorded_until)
        q.recorded_until(time_in("--recorded-until", *words.recorded_until));
    refuse_crossed(
        "--recorded-until", words.recorded_until, "--recorded-since", words.recorded_since
    );
    narrow_by_revisions(q, words);
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
        out.which.where(parse_where(condition));
    if (words.limit)
        out.limit = number_in("--limit", *words.limit, "a count");
    if (words.cursor && *words.cursor != first_place) {
        const auto place = query_cursor::parse(*words.cursor);
        if (!place)
            throw usage_error{fmt::format(
                "--cursor '{}' is neither {} nor what a reading has said to go on with",
                printable(*words.cursor),
                first_place
            )};
        out.which.resume(*place);
    }
    return out;
}

selected_events::selected_events(store from, selection wanted)
    : from_{std::move(from)}
    , wanted_{std::move(wanted)}
    , left_{wanted_.limit} {}

bool selected_events::is_done() const noexcept {
    const auto& within = wanted_.which.within();
    return left_ == 0 || (within.to != last_position && end_ > within.to) ||
           (within.is_backwards && place_);
}

void selected_events::wait_for_new(std::chrono::milliseconds timeout) {
    static_cast<void>(from_.wait_for(std::max(end_, wanted_.which.within().from), timeout));
}

std::uint64_t selected_events::visit_new(const event_visitor& visit) {
    const auto& within = wanted_.which.within();
    if (is_done())
        return 0;
    const auto end = from_.end();
    const auto first = std::max(end_, within.from);
    const auto behind = within.to < end ? within.to.next() : end;
    span_ = behind > first ? behind - first : 0;
    auto which = wanted_.which;
    which.limit(left_);
    if (place_)
        which.resume(*place_);
    std::uint64_t visited = 0;
    auto range = from_.read(which);
    for (const auto& event : range) {
        passed_ = within.is_backwards
                      ? (behind > event.log_position ? behind - event.log_position : 0)
                      : event.log_position - first;
        visit(event);
        ++visited;
    }
    left_ -= visited;
    place_ = range.cursor();
    explanation_ = range.explanation();
    end_ = left_ == 0 || within.is_backwards ? end_ : std::max(end, place_->boundary);
    return visited;
}

} // namespace everfold::cli
