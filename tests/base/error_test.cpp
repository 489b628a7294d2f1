// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>

#include <doctest/doctest.h>

#include <cerrno>
#include <set>
#include <stdexcept>
#include <string>

using namespace everfold;

namespace {

// A switch without a default: a new code does not compile here (-Wswitch) until it is added.
constexpr std::string_view expected_name(errc code) {
    switch (code) {
    case errc::io:
        return "io";
    case errc::not_a_log:
        return "not_a_log";
    case errc::damaged:
        return "damaged";
    case errc::unsupported:
        return "unsupported";
    case errc::in_use:
        return "in_use";
    case errc::writer_failed:
        return "writer_failed";
    case errc::read_only:
        return "read_only";
    case errc::conflict:
        return "conflict";
    case errc::encoding:
        return "encoding";
    case errc::schema:
        return "schema";
    case errc::replay:
        return "replay";
    case errc::limit:
        return "limit";
    case errc::invalid:
        return "invalid";
    case errc::tombstoned:
        return "tombstoned";
    case errc::diverged:
        return "diverged";
    case errc::unconfirmed:
        return "unconfirmed";
    }
    return {};
}

} // namespace

TEST_CASE("the table has each code once, in order, with every column filled") {
    std::size_t at = 0;
    std::set<std::string_view> names;
    for (const auto& row : errc_table()) {
        CAPTURE(row.name);
        CHECK(static_cast<std::size_t>(row.code) == at++);
        CHECK(row.name == expected_name(row.code));
        CHECK(names.insert(row.name).second);
        CHECK_FALSE(row.meaning.empty());
        CHECK_FALSE(row.data_is_safe.empty());
        CHECK_FALSE(row.what_to_do.empty());
        CHECK(&entry_of(row.code) == &row);
    }
    CHECK(expected_name(static_cast<errc>(at)).empty());
}

TEST_CASE("an error says its message and then what was being done, innermost first") {
    error e{errc::limit, "too large"};
    CHECK(std::string{e.what()} == "too large");
    e.add("appending to account-7");
    e.add("importing x.jsonl");
    CHECK(
        std::string{e.what()} ==
        "too large\n  while appending to account-7\n  while importing x.jsonl"
    );
    CHECK(e.message() == "too large");
    CHECK(e.context().size() == 2);
    const error copy = e;
    CHECK(std::string{copy.what()} == e.what());
}

TEST_CASE("context added on the way up is in the error that arrives") {
    try {
        try {
            throw corruption{"seg-1.evl", byte_offset{4096}, "a checksum does not match"};
        } catch (error& e) {
            e.add("opening x");
            throw;
        }
    } catch (const corruption& e) {
        CHECK(
            std::string{e.what()} ==
            "damaged: 'seg-1.evl' at byte 4096: a checksum does not match\n  while opening x"
        );
        CHECK(e.at() == byte_offset{4096});
        CHECK_FALSE(e.first_lost);
    }
}

TEST_CASE("an io_error reads as a sentence and keeps its parts") {
    const io_error e{"sync", "/x/y", ENOSPC};
    CHECK(e.message() == "can't sync '/x/y': No space left on device");
    CHECK(e.code() == errc::io);
    CHECK(e.operation() == "sync");
    CHECK(e.path() == "/x/y");
    CHECK(e.error_number() == ENOSPC);
    CHECK(e.is_disk_full());
    CHECK(io_error{"sync", "/x", EDQUOT}.is_disk_full());
    CHECK(io_error{"write to", "/x", EFBIG}.is_disk_full());
    CHECK_FALSE(io_error{"sync", "/x", EIO}.is_disk_full());
}

TEST_CASE("a path can't forge a line of the message") {
    const io_error e{"open", "/x\n\x1b[2Jall is well", ENOENT};
    CHECK(e.message() == "can't open '/x\\x0a\\x1b[2Jall is well': No such file or directory");
    CHECK(e.path() == "/x\n\x1b[2Jall is well");
}

TEST_CASE("each kind of failure is caught by its own name and by the root") {
    const auto code_of = [](const auto& thrown) {
        try {
            throw thrown;
        } catch (const error& e) {
            return e.code();
        }
    };
    const auto original = std::make_exception_ptr(std::runtime_error{"first"});
    CHECK(code_of(io_error{"open", "x", EIO}) == errc::io);
    CHECK(code_of(corruption{"x", byte_offset{0}, "y"}) == errc::damaged);
    CHECK(code_of(encoding_error{3, "a tag"}) == errc::encoding);
    CHECK(code_of(schema_error{"opened", 2, "unknown"}) == errc::schema);
    CHECK(code_of(conflict{"s", "revision 4", "no stream"}) == errc::conflict);
    CHECK(code_of(writer_failed{original, "first"}) == errc::writer_failed);
    CHECK(code_of(replay_error{"s", revision{1}, "t", {}, original, "first"}) == errc::replay);
    CHECK(encoding_error{3, "a tag"}.message() == "a tag (at byte 3)");
    CHECK(
        schema_error{"opened", 2, "unknown"}.message() == "event type 'opened' version 2: unknown"
    );
    CHECK(
        conflict{"s", "revision 4", "no stream"}.message() ==
        "stream 's': expected revision 4, found no stream"
    );
    CHECK(
        replay_error{"s", revision{1}, "t", position{9}, original, "first"}.message() ==
        "apply() threw on event type 't' of stream 's' at revision 1, position 9: first"
    );
}

TEST_CASE("the first failure is inside the ones that follow from it") {
    const writer_failed e{std::make_exception_ptr(std::runtime_error{"disk gone"}), "disk gone"};
    CHECK(e.message().ends_with("First failure: disk gone"));
    CHECK_THROWS_WITH_AS(std::rethrow_exception(e.original()), "disk gone", std::runtime_error);
}
