// SPDX-License-Identifier: MIT
#include <everfold/testing/scenario_engine.hpp>
#include <everfold/testing/texts.hpp>

#include <algorithm>
#include <utility>

namespace everfold::testing::detail {

scenario_engine::scenario_engine(
    std::string stream,
    std::vector<new_event> given,
    timestamp time,
    const std::source_location& where
)
    : time_{time}
    , stream_{std::move(stream)}
    , given_{std::move(given)}
    , where_{where} {}

void scenario_engine::append_given() {
    if (given_.empty())
        return;
    append_request request;
    request.streams.push_back({stream_, expected_revision::no_stream(), given_});
    static_cast<void>(store_.append(request).value());
}

void scenario_engine::read_happened() {
    for (const auto& e : store_.read(query{}.stream(stream_))) {
        if (e.stream_revision.value() < given_.size())
            continue;
        new_event one;
        one.type = e.type;
        one.version = e.version;
        one.payload.assign(e.payload.begin(), e.payload.end());
        one.occurred_at = e.occurred_at;
        one.metadata.assign(e.metadata.begin(), e.metadata.end());
        happened_.push_back(std::move(one));
    }
}

void scenario_engine::fail_given(std::string_view why) const {
    std::string text = "what is given can't be folded: ";
    text.append(why).append("\n");
    fail(text + given_section());
}

void scenario_engine::fail_torn() const {
    fail(
        "events were appended, though the decision threw: " + *thrown_words() + "\n" +
        given_section() + happened_section({})
    );
}

void scenario_engine::fail_happened(std::string_view why) const {
    std::string text = "what has happened can't be folded: ";
    text.append(why).append("\n");
    fail(text + given_section() + happened_section({}));
}

void scenario_engine::compare_replay(bytes_view decided, bytes_view replayed) const {
    if (std::equal(decided.begin(), decided.end(), replayed.begin(), replayed.end()))
        return;
    fail(
        "the state after the decision is not the one that its events fold to\n" + given_section() +
        happened_section({}) + difference_section("decided -> folded", decided, replayed)
    );
}

void scenario_engine::expect_events(
    const std::vector<new_event>& expected, const std::optional<std::string>& refused
) const {
    const auto both = std::min(expected.size(), happened_.size());
    std::string difference;
    std::size_t at = 0;
    for (; at < both && difference.empty(); ++at)
        difference = difference_of("expected -> happened", expected[at], happened_[at]);
    std::string headline;
    if (refused)
        headline = count_of(expected.size(), "event") + " expected, and the decision " +
                   (thrown_as<error>() != nullptr ? "failed" : "was refused");
    else if (!difference.empty())
        headline = "event " + std::to_string(at) + " of " + std::to_string(expected.size()) +
                   " is not the expected one";
    else if (expected.size() != happened_.size())
        headline = count_of(expected.size(), "event") + " expected, and " +
                   (happened_.empty() ? std::string{"nothing"} : std::to_string(happened_.size())) +
                   " happened";
    else
        return;
    fail(
        headline + "\n" + given_section() + events_section("expected", expected, given_.size()) +
        happened_section(refused) + difference
    );
}

void scenario_engine::expect_thrown() const {
    const auto why = thrown_words();
    if (thrown_as<error>() != nullptr)
        fail(
            "the decision failed, which is no refusal\n" + given_section() + happened_section(why)
        );
    if (!why)
        fail("a refusal expected, and there was none\n" + given_section() + happened_section({}));
}

std::optional<std::string> scenario_engine::thrown_words() const {
    if (thrown_ == nullptr)
        return {};
    return everfold::detail::describe_exception(thrown_);
}

void scenario_engine::fail_refusal(std::string_view type, const std::optional<std::string>& refused)
    const {
    std::string text = "a refusal by ";
    text.append(type).append(" expected, and ");
    text += refused ? "it was another one" : "there was none";
    fail(text + "\n" + given_section() + happened_section(refused));
}

void scenario_engine::fail_refusal_words(
    const std::optional<std::string>& expected, const std::optional<std::string>& refused
) const {
    std::string text = "the refusal is not the expected one\n" + given_section();
    if (expected)
        text += "expected\n  refused: " + *expected + "\n";
    fail(text + happened_section(refused));
}

void scenario_engine::fail_state(bytes_view found, const std::optional<std::string>& refused)
    const {
    fail(
        "the state is not as expected\n" + given_section() + happened_section(refused) +
        item_section("state", found)
    );
}

void scenario_engine::fail_state(
    bytes_view wanted, bytes_view found, const std::optional<std::string>& refused
) const {
    const bool are_bytes_same =
        std::equal(wanted.begin(), wanted.end(), found.begin(), found.end());
    fail(
        "the state is not the expected one\n" + given_section() + happened_section(refused) +
        (are_bytes_same
             ? "they are written alike: what differs is not in the encoding of the state\n"
             : difference_section("expected -> found", wanted, found))
    );
}

std::string scenario_engine::given_section() const {
    return events_section("given", given_, 0);
}

std::string scenario_engine::happened_section(const std::optional<std::string>& refused) const {
    if (refused)
        return (thrown_as<error>() != nullptr ? "happened\n  failed: " : "happened\n  refused: ") +
               *refused + "\n";
    auto shown = happened_;
    for (auto& e : shown)
        e.occurred_at.reset(); // the clock's; where it matters it is in the difference
    return events_section("happened", shown, given_.size());
}

void scenario_engine::fail(const std::string& text) const {
    // The last line has no end: a test framework goes on in its own way.
    throw failed{text.ends_with('\n') ? text.substr(0, text.size() - 1) : text, where_};
}

} // namespace everfold::testing::detail
