// SPDX-License-Identifier: MIT
// What people and their terminals get.

#include <everfold/cli/failure.hpp>
#include <everfold/cli/output.hpp>
#include <everfold/cli/table.hpp>
#include <everfold/cli/text.hpp>

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <string>

namespace {

using namespace everfold::cli;

// What print writes into a pipe.
template <class Print>
std::string printed(Print&& print) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    output out{ends[1], "a pipe"};
    print(out);
    out.flush();
    ::close(ends[1]);
    std::string text(4096, '\0');
    const auto size = ::read(ends[0], text.data(), text.size());
    REQUIRE(size >= 0);
    text.resize(static_cast<std::size_t>(size));
    ::close(ends[0]);
    return text;
}

} // namespace

TEST_CASE("a table printed piece by piece has its titles once and keeps its widths") {
    const auto text = printed([](output& out) {
        table rows{{{"NAME"}, {"COUNT", table::align::right}}};
        rows.add({{"long name"}, {"1"}});
        rows.print(out);
        CHECK(rows.size() == 0);
        rows.add({{"b\x1b"}, {"22"}});
        rows.print(out);
    });
    CHECK(
        text == "  NAME       COUNT\n"
                "  long name      1\n"
                "  b\\x1b         22\n"
    );
}

TEST_CASE("a pipe gets no colour") {
    CHECK(printed([](output& out) { out.write(out.in(colour::red, "text")); }) == "text");
}

TEST_CASE("an output knows when nobody reads it any more") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const output out{ends[1], "a pipe"};
    CHECK(out.has_reader());
    ::close(ends[0]);
    CHECK_FALSE(out.has_reader());
    ::close(ends[1]);
}

TEST_CASE("numbers are written for people") {
    CHECK(with_thousands(0) == "0");
    CHECK(with_thousands(999) == "999");
    CHECK(with_thousands(1000) == "1,000");
    CHECK(with_thousands(1234567) == "1,234,567");
    CHECK(in_units(1023) == "1023 bytes");
    CHECK(in_units(1536) == "1.5 KiB");
    CHECK(counted(1, "event") == "1 event");
    CHECK(counted(0, "event") == "0 events");
    CHECK(in_milliseconds(everfold::timestamp{0, 1'999'999}) == "1970-01-01T00:00:00.001Z");
}

TEST_CASE("JSON for a terminal is the same JSON without control characters") {
    CHECK(
        escaped_json("{\"a\":\"\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9\"}") ==
        "{\"a\":\"\\u007f\\u009b\\u202eé\"}"
    );
}

TEST_CASE("every error code has the exit code of its kind") {
    using everfold::errc;
    CHECK(exit_code_of(errc::not_a_log) == exit_code::not_a_log);
    CHECK(exit_code_of(errc::unsupported) == exit_code::not_a_log);
    CHECK(exit_code_of(errc::damaged) == exit_code::damaged);
    CHECK(exit_code_of(errc::in_use) == exit_code::in_use);
    CHECK(exit_code_of(errc::io) == exit_code::input_output);
    CHECK(exit_code_of(errc::conflict) == exit_code::refused);
    for (const auto& entry : everfold::errc_table()) {
        const auto code = exit_code_of(entry.code);
        CHECK(code != exit_code::done);
        CHECK(code != exit_code::usage);
    }
}
