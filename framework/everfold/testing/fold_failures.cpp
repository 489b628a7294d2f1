// SPDX-License-Identifier: MIT
#include <everfold/aggregate/describe_exception.hpp>
#include <everfold/base/error.hpp>
#include <everfold/testing/fold_failures.hpp>
#include <everfold/testing/texts.hpp>

#include <span>

namespace everfold::testing::detail {

namespace {

[[noreturn]] void fail(std::string text, const origin_of_events& origin) {
    if (origin.seed)
        text += "random events of EVERFOLD_SEED=" + std::to_string(*origin.seed);
    else if (text.ends_with('\n'))
        text.pop_back();
    throw failed{text};
}

std::string event_section(const history& h, std::size_t at) {
    return events_section("event", std::span{h.events()}.subspan(at, 1), at);
}

} // namespace

std::string words_of_replay(const std::exception& thrown) {
    if (const auto* replay = dynamic_cast<const replay_error*>(&thrown))
        return everfold::detail::describe_exception(replay->original());
    return thrown.what();
}

void fail_copy(
    const history& h, bytes_view before, bytes_view after, const origin_of_events& origin
) {
    fail(
        "a copy of the state changes with the state that it was copied from: " +
            count_of(h.size() - h.size() / 2, "event") + " folded into one changed the other\n" +
            difference_section("before -> after", before, after),
        origin
    );
}

void fail_twice(
    const history& h,
    std::size_t at,
    bytes_view first,
    bytes_view second,
    const origin_of_events& origin
) {
    fail(
        "two folds of the same events differ at revision " + std::to_string(at) + "\n" +
            event_section(h, at) + difference_section("first -> second", first, second),
        origin
    );
}

void fail_snapshot(
    const history& h,
    std::size_t snapshot_at,
    std::size_t differs_at,
    bytes_view from_zero,
    bytes_view from_snapshot,
    const origin_of_events& origin
) {
    fail(
        "a snapshot at revision " + std::to_string(snapshot_at) +
            " and the events after it give another state at revision " +
            std::to_string(differs_at) + " than all events\n" + event_section(h, differs_at) +
            difference_section("from all events -> from the snapshot", from_zero, from_snapshot),
        origin
    );
}

void fail_snapshot_loses(
    const history& h, std::size_t at, bytes_view state, const origin_of_events& origin
) {
    fail(
        "a snapshot at revision " + std::to_string(at) +
            " is not equal to its state: what differs is not written\n" + event_section(h, at) +
            item_section("written", state),
        origin
    );
}

void fail_apply(const history& fewest, const std::string& thrown, const origin_of_events& origin) {
    fail(
        "apply() threw on valid events: " + thrown + "\n" +
            events_section("events, none of which can be left out", fewest.events(), 0),
        origin
    );
}

void fail_to_write(
    std::string_view type, bytes_view payload, std::string_view why, const origin_of_events& origin
) {
    std::string text = "a valid '";
    text.append(type).append(payload.empty() ? "' can't be written: " : "' can't be read again: ");
    text.append(why).append("\n");
    if (!payload.empty())
        text += item_section("written", payload);
    fail(text, origin);
}

void fail_round_trip(
    const new_event& written,
    const new_event& read,
    bool was_used_before,
    const origin_of_events& origin
) {
    fail(
        "'" + written.type + "' is not read as it was written" +
            (was_used_before ? ", into an object that held another one\n" : "\n") +
            difference_section("written -> read", written.payload, read.payload),
        origin
    );
}

void fail_to_hold(const new_event& written, const origin_of_events& origin) {
    fail(
        "'" + written.type + "' is not equal to what was written and read: what differs is not " +
            "written\n" + item_section("written", written.payload),
        origin
    );
}

} // namespace everfold::testing::detail
