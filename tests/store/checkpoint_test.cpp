// SPDX-License-Identifier: MIT
// P9: a checkpoint names a log, a position and the history before it, and is believed only there.

#include <everfold/base/error.hpp>
#include <everfold/store/checkpoint.hpp>
#include <everfold/store/tools.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

#define EVERY_STORE memory_stores, directory_stores, simulated_stores

namespace {

std::optional<error> refusal_of(const auto& act) {
    try {
        act();
    } catch (const error& e) {
        return e;
    }
    return {};
}

bool says(const error& e, std::string_view what) {
    return e.message().find(what) != std::string::npos;
}

void append_numbers(store& s, std::uint32_t from, std::uint32_t to) {
    for (auto n = from; n < to; ++n)
        s.append(to_stream(n % 2 == 0 ? "a" : "b", {numbered(n)})).value();
}

bool is_confirmed(store& s, const checkpoint& c) {
    return !refusal_of([&] { s.confirm(c); });
}

/// Every checkpoint of the store so far.
std::vector<checkpoint> all_checkpoints(store& s) {
    std::vector<checkpoint> out;
    for (std::uint64_t next = 0; next <= s.end().value(); ++next)
        out.push_back(s.checkpoint_at(position{next}));
    return out;
}

/// That `s` refuses `c`, and says so with these words.
void require_refused(store& s, const checkpoint& c, std::string_view why) {
    const auto refused = refusal_of([&] { s.confirm(c); });
    REQUIRE(refused);
    CAPTURE(refused->message());
    CHECK(refused->code() == errc::unconfirmed);
    CHECK(says(*refused, why));
    CHECK(says(*refused, "nothing was delivered"));
    CHECK(says(*refused, "position " + std::to_string(c.next.value())));
}

} // namespace

TEST_CASE("P9: a checkpoint comes back from its text, and no other text is one") {
    auto s = open("memory:");
    append_numbers(s, 0, 3);
    for (const auto& c : all_checkpoints(s))
        CHECK(checkpoint::parse(c.to_string()) == c);
    const checkpoint largest{s.log_id(), position{~std::uint64_t{0}}, ~std::uint64_t{0}};
    CHECK(checkpoint::parse(largest.to_string()) == largest);

    const auto line = s.checkpoint_at(position{2}).to_string();
    CHECK(line.starts_with("everfold-checkpoint-1 " + s.log_id().to_string() + " 2 "));
    const auto is_refused = [](const std::string& text) {
        const auto refused = refusal_of([&] { static_cast<void>(checkpoint::parse(text)); });
        return refused &&
               (refused->code() == errc::invalid || refused->code() == errc::unsupported);
    };
    CHECK(is_refused(""));
    CHECK(is_refused(" " + line));
    CHECK(is_refused(line + " "));
    CHECK(is_refused(line + "\n"));
    CHECK(is_refused(std::string(1U << 20U, 'x')));
    CHECK(is_refused(std::string("everfold-checkpoint-1 ").append(1U << 20U, '9')));
    for (std::size_t length = 0; length < line.size(); ++length)
        CHECK(is_refused(line.substr(0, length)));
    for (std::size_t at = 0; at < line.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto flipped = line;
            flipped[at] = static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ (1U << bit));
            CAPTURE(printable(flipped));
            CHECK(is_refused(flipped));
        }
    }
    std::mt19937 random{7};
    for (int i = 0; i < 10'000; ++i) {
        auto mixed = line;
        for (auto changes = random() % 6 + 1; changes > 0; --changes)
            mixed[random() % mixed.size()] = static_cast<char>(random());
        if (mixed != line)
            CHECK(is_refused(mixed));
    }
}

TEST_CASE("P20: a checkpoint's text of version 1 is read, and written as it was") {
    const checkpoint c{
        uuid::parse("01234567-89ab-4cde-8f01-23456789abcd").value(),
        position{1'234'567},
        0x0123'4567'89AB'CDEF};
    const std::string text{"everfold-checkpoint-1 01234567-89ab-4cde-8f01-23456789abcd 1234567 "
                           "0123456789abcdef 826826d40b5ed427"};
    CHECK(c.to_string() == text);
    CHECK(checkpoint::parse(text) == c);
}

TEST_CASE("a text that is no checkpoint is shown so that it can't move a terminal's cursor") {
    const auto hostile = "\033[2J" + std::string(5000, 'x');
    const auto refused = refusal_of([&] { static_cast<void>(checkpoint::parse(hostile)); });
    REQUIRE(refused);
    CHECK(refused->message().find('\033') == std::string::npos);
    CHECK(refused->message().size() < 300);
    const auto newer =
        refusal_of([] { static_cast<void>(checkpoint::parse("everfold-checkpoint-2 what else")); });
    REQUIRE(newer);
    CHECK(newer->code() == errc::unsupported);
}

TEST_CASE_TEMPLATE("P9: a log confirms each of its checkpoints", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    append_numbers(s, 0, 6);
    s.append(to_stream("a", {numbered(6), numbered(7), numbered(8)})).value();
    const auto all = all_checkpoints(s);
    REQUIRE(all.size() == 10);
    CHECK(all.front().digest == 0);
    CHECK(all[7].digest == all[9].digest); // one append
    CHECK(all[6].digest != all[7].digest);
    const auto check_all = [&] {
        for (const auto& c : all) {
            CAPTURE(c.next);
            CHECK(is_confirmed(s, c));
        }
    };
    check_all();
    s = stores.reopen(s);
    check_all();
    append_numbers(s, 9, 12);
    s.engine().archive("a", revision{3}, "");
    check_all();
    s.truncate("a", revision{4}).value();
    CHECK(s.scavenge().events > 0);
    check_all();
    s = stores.reopen(s);
    check_all();
    // Where the event before it is gone, there is nothing to compare: it holds no digest.
    const auto after_removal = all_checkpoints(s);
    CHECK(after_removal[1].digest == 0);
    CHECK(after_removal[2] == all[2]);
    for (const auto& c : after_removal)
        CHECK(is_confirmed(s, c));
    const auto beyond = refusal_of([&] { static_cast<void>(s.checkpoint_at(s.end().next())); });
    REQUIRE(beyond);
    CHECK(beyond->code() == errc::invalid);
}

TEST_CASE_TEMPLATE("P9: a checkpoint of another log is an error", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    append_numbers(s, 0, 3);
    auto other = open("memory:");
    append_numbers(other, 0, 3);
    require_refused(
        s, other.checkpoint_at(position{2}), "of the log " + other.log_id().to_string()
    );
    require_refused(
        s, other.checkpoint_at(position{0}), "this is the log " + s.log_id().to_string()
    );
}

TEST_CASE("P9: an older copy of the log is told, at once and after other appends to it") {
    const scratch_dir here;
    auto s = open(here / "log", quiet({}));
    append_numbers(s, 0, 10);
    s.close();
    std::filesystem::copy(here / "log", here / "old", std::filesystem::copy_options::recursive);
    s = open(here / "log", quiet({}));
    append_numbers(s, 10, 20);
    const auto all = all_checkpoints(s);
    s.close();

    auto old = open(here / "old", quiet({}));
    for (std::uint64_t next = 0; next <= 10; ++next)
        CHECK(is_confirmed(old, all[next])); // the same history so far
    for (std::uint64_t next = 11; next <= 20; ++next)
        require_refused(old, all[next], "the log ends at 10");
    append_numbers(old, 30, 50);
    for (std::uint64_t next = 0; next <= 10; ++next)
        CHECK(is_confirmed(old, all[next]));
    for (std::uint64_t next = 11; next <= 20; ++next)
        require_refused(old, all[next], "another history");
}

TEST_CASE("P9: a log that was repaired with losses refuses the checkpoints of before") {
    const scratch_dir here;
    auto s = open(here / "log", quiet({}));
    append_numbers(s, 0, 10);
    const auto before = s.checkpoint_at(position{8});
    s.close();
    // The last frames' bytes go; those of the first stay.
    for (const auto& entry : std::filesystem::directory_iterator(here / "log")) {
        if (entry.path().extension() != ".evl")
            continue;
        std::fstream file{entry.path(), std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(4096 + 300);
        file << std::string(200, '\x5A');
    }
    const auto report = repair(here / "log", here / "saved");
    REQUIRE_FALSE(report.lost.empty());
    auto saved = open(here / "saved", quiet({}));
    require_refused(saved, before, "repaired");
    append_numbers(saved, 10, 30);
    require_refused(saved, before, "repaired");
}
