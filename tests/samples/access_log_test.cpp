// SPDX-License-Identifier: MIT
#include <everfold/aggregate/fold.hpp>
#include <everfold/base/bytes.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/store/open.hpp>

#include <access_log_line.hpp>
#include <access_log_lines.hpp>
#include <doctest/doctest.h>
#include <import.hpp>
#include <traffic.hpp>
#include <zstd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

const std::string start = R"(83.149.9.216 - - [17/May/2015:10:05:03 +0000] )";
const std::string whole =
    start + R"_("GET /a.png?b=c HTTP/1.1" 200 203023 "http://from/" "Mozilla/5.0 (X11)")_";

std::string reason_of(std::string_view line) {
    try {
        static_cast<void>(web_server::parse_line(line));
    } catch (const web_server::unparsable& e) {
        return e.what();
    }
    return "";
}

std::string with_time(const std::string& time) {
    return "a - - [" + time + R"(] "GET / HTTP/1.1" 200 5 "-" "-")";
}

std::string with_request(const std::string& request) {
    return start + '"' + request + R"(" 200 5 "-" "-")";
}

std::string compressed(const std::string& text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
    return out;
}

// Reads `bytes` in pieces of `piece`.
std::vector<std::string> lines_of(std::string_view bytes, std::size_t piece) {
    web_server::access_log_lines lines{[&](char* to, std::size_t size) {
        const auto count = std::min({size, piece, bytes.size()});
        bytes.copy(to, count);
        bytes.remove_prefix(count);
        return count;
    }};
    std::vector<std::string> out;
    std::string_view next;
    while (lines.next(next)) {
        out.emplace_back(next);
        CHECK(lines.number() == out.size());
    }
    return out;
}

} // namespace

TEST_CASE("a line of the combined format is a request with all that the line says") {
    const auto [at, request] = web_server::parse_line(whole);
    CHECK(at == everfold::timestamp::parse("2015-05-17T10:05:03Z"));
    CHECK(request.client == "83.149.9.216");
    CHECK_FALSE(request.user);
    CHECK(request.method == "GET");
    CHECK(request.path == "/a.png?b=c");
    CHECK(request.protocol == "HTTP/1.1");
    CHECK(request.status_code == 200);
    CHECK(request.bytes_sent == 203023);
    CHECK(request.referrer == "http://from/");
    CHECK(request.user_agent == "Mozilla/5.0 (X11)");
    CHECK_FALSE(web_server::error_of(request));
}

TEST_CASE("a dash is nothing, and for bytes sent it is none") {
    const auto [at, request] = web_server::parse_line(
        R"(::1 - ada lovelace [17/May/2015:10:05:03 +0000] "HEAD / HTTP/1.0" 304 - "-" "-")"
    );
    CHECK(request.client == "::1");
    CHECK(request.user == "ada lovelace");
    CHECK(request.bytes_sent == 0);
    CHECK_FALSE(request.referrer);
    CHECK_FALSE(request.user_agent);
}

TEST_CASE("times are those of their zone, and only real ones are times") {
    const auto at = [](const std::string& time) {
        return web_server::parse_line(with_time(time)).at;
    };
    const auto utc = [](const char* text) { return everfold::timestamp::parse(text).value(); };
    CHECK(at("17/May/2015:10:05:03 +0200") == utc("2015-05-17T08:05:03Z"));
    CHECK(at("01/Jan/2024:00:15:00 +0530") == utc("2023-12-31T18:45:00Z"));
    CHECK(at("28/Feb/2023:23:30:00 -0330") == utc("2023-03-01T03:00:00Z"));
    CHECK(at("29/Feb/2024:00:00:00 +0000") == utc("2024-02-29T00:00:00Z"));
    CHECK(at("31/Dec/1969:23:59:59 +0000") == utc("1969-12-31T23:59:59Z"));
    CHECK(at("31/Dec/2016:23:59:60 +0000") == utc("2017-01-01T00:00:00Z"));
    for (const char* wrong :
         {"29/Feb/2023:00:00:00 +0000",
          "00/May/2015:10:05:03 +0000",
          "17/Mai/2015:10:05:03 +0000",
          "17/May/2015:24:00:00 +0000",
          "17/May/2015:10:60:03 +0000",
          "17/May/2015:10:05:61 +0000",
          "17/May/2015:10:05:03 +2400",
          "17/May/2015:10:05:03 +0060",
          "17/May/2015:10:05:03",
          "17/May/2015:10:05:03 0000",
          "17/May/2015:10:05:0a +0000",
          "2015-05-17T10:05:03Z",
          "7/May/2015:10:05:03 +0000"}) {
        CAPTURE(wrong);
        CHECK(
            reason_of(with_time(wrong)) == "the time is not of the form 17/May/2015:10:05:03 +0000"
        );
    }
}

TEST_CASE("whatever a client sent instead of a request is kept as its path") {
    for (const std::string sent :
         {"-", "", "GET", "GET /", R"(\x16\x03\x01\x02)", "1 2 HTTP/1.1", "HTTP/1.1"}) {
        CAPTURE(sent);
        const auto request = web_server::parse_line(with_request(sent)).request;
        CHECK_FALSE(request.method);
        CHECK_FALSE(request.protocol);
        CHECK(request.path == sent);
    }
    const auto blanks = web_server::parse_line(with_request("GET /a b c HTTP/1.1")).request;
    CHECK(blanks.method == "GET");
    CHECK(blanks.path == "/a b c");
}

TEST_CASE("hostile bytes stay readable, and every text can be an event's") {
    const auto request =
        web_server::parse_line(
            start +
            "\"GET /\xFF\x1B[2J\xC3\xA9\\\"x HTTP/1.1\" 200 1 \"\\xe4\" \"\xED\xA0\x80\xC3\""
        )
            .request;
    CHECK(request.path == "/\\xff\x1B[2J\xC3\xA9\\\"x");
    CHECK(request.referrer == R"(\xe4)");
    CHECK(request.user_agent == R"(\xed\xa0\x80\xc3)");
    CHECK(everfold::printable(request.path).find('\x1B') == std::string::npos);
    CHECK_NOTHROW(static_cast<void>(everfold::encoded(request)));

    CHECK(web_server::text_of(std::string{"a\0b", 3}) == std::string{"a\0b", 3});
    CHECK(web_server::text_of("\xF0\x9F\x98\x80\xF0\x9F") == "\xF0\x9F\x98\x80\\xf0\\x9f");
}

TEST_CASE("a line that is cut off anywhere does not parse, and the reason names where") {
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(reason_of(whole.substr(0, size)).empty());
    }
    CHECK(reason_of(whole).empty());
    CHECK(reason_of("") == "it is empty");
    CHECK(reason_of("nonsense") == "it ends in the client's address");
    CHECK(
        reason_of(whole.substr(0, whole.size() - 1)) ==
        "the user agent has no closing quotation mark"
    );
    CHECK(reason_of(whole.substr(0, whole.size() - 19)) == "it ends before the user agent");
    CHECK(reason_of(whole + " 17") == "it goes on after the user agent");
}

TEST_CASE("numbers that can't be meant are refused") {
    const auto with = [](const std::string& status, const std::string& bytes) {
        return start + R"("GET / HTTP/1.1" )" + status + ' ' + bytes + R"( "-" "-")";
    };
    CHECK(reason_of(with("200", "1125899906842624")).empty());
    for (const char* status : {"99", "1000", "-", "2x0", "-200", "+200"}) {
        CAPTURE(status);
        CHECK(reason_of(with(status, "1")) == "the status code is not a number of three digits");
    }
    for (const char* bytes :
         {"-1", "1125899906842625", "99999999999999999999", "1.5", "0x1", "--"}) {
        CAPTURE(bytes);
        CHECK(
            reason_of(with("200", bytes)) ==
            "the number of bytes sent is neither a sensible number nor -"
        );
    }
}

TEST_CASE("from status 500 on a request comes with an error that says what failed") {
    auto request = web_server::parse_line(whole).request;
    for (const std::int64_t status : {100, 200, 404, 499}) {
        request.status_code = status;
        CHECK_FALSE(web_server::error_of(request));
    }
    request.status_code = 503;
    const auto error = web_server::error_of(request).value();
    CHECK(error.error_type == "Service Unavailable");
    CHECK(error.message == "GET /a.png?b=c");
    CHECK(error.status_code == 503);
    CHECK(error.client == "83.149.9.216");
    request.status_code = 599;
    CHECK(web_server::error_of(request).value().error_type == "Server Error");
}

TEST_CASE("no bytes at all make the parser do anything but parse or refuse") {
    for (std::uint32_t seed = 0; seed < 20'000; ++seed) {
        CAPTURE(seed);
        std::minstd_rand random{seed + 1};
        auto line = whole;
        for (auto changes = random() % 4 + 1; changes > 0; --changes)
            line[random() % line.size()] = static_cast<char>(random() % 256);
        line.resize(line.size() - (random() % 4 == 0 ? random() % line.size() : 0));
        try {
            const auto parsed = web_server::parse_line(line);
            everfold::byte_buffer out;
            everfold::encode(parsed.request, out);
            CHECK(parsed.request.status_code >= 100);
        } catch (const web_server::unparsable& e) {
            CHECK(everfold::is_utf8(e.what()));
        }
    }
}

TEST_CASE("lines are the same however the bytes come, compressed or not") {
    const std::string text = "one\n\r\ntwo\r\n" + std::string(60'000, 'x') + "\nlast";
    const std::vector<std::string> wanted{"one", "", "two", std::string(60'000, 'x'), "last"};
    for (const std::size_t piece : {1U, 3U, 4096U, 1U << 20U}) {
        CAPTURE(piece);
        CHECK(lines_of(text, piece) == wanted);
        CHECK(lines_of(text + '\n', piece) == wanted);
        CHECK(lines_of(compressed(text), piece) == wanted);
        CHECK(lines_of(compressed("one\n\r\nt") + compressed(text.substr(7)), piece) == wanted);
    }
    CHECK(lines_of("", 5).empty());
    CHECK(lines_of(compressed(""), 5).empty());
    CHECK(lines_of("\x28\xB5", 1) == std::vector<std::string>{"\x28\xB5"});
}

TEST_CASE("of a line that is too long comes the beginning, and then the next line") {
    constexpr auto max = web_server::access_log_lines::line_bytes_max;
    for (const std::size_t size : {max, max + 1, max + 2, 10 * max, 100 * max}) {
        for (const std::string end : {"\nlast", "\r\nlast\n", ""}) {
            const auto found = lines_of("one\n" + std::string(size, 'x') + end, 100'000);
            CAPTURE(size);
            CHECK(found.size() == (end.empty() ? 2 : 3));
            CHECK(found[1] == std::string(std::min(size, max + 1), 'x'));
            CHECK(found.back() == (end.empty() ? found[1] : "last"));
        }
    }
}

TEST_CASE("a compressed file that is cut off or changed is reported") {
    auto bytes = compressed(std::string(5000, 'x') + "\nyz\n");
    for (std::size_t size = 4; size < bytes.size(); ++size)
        CHECK_THROWS_AS(
            static_cast<void>(lines_of(std::string_view{bytes}.substr(0, size), 1000)),
            web_server::damaged_file
        );
    CHECK_THROWS_AS(static_cast<void>(lines_of(bytes + "garbage", 9)), web_server::damaged_file);
}

TEST_CASE("an import keeps every line: requests, errors and what did not parse, in time") {
    std::string text = "what is this\n" + whole + "\nnor this\n";
    text += start + "\"GET /broken HTTP/1.1\" 500 7 \"-\" \"-\"\n";
    std::string_view rest = text;
    web_server::access_log_lines lines{[&](char* to, std::size_t size) {
        const auto count = rest.copy(to, size);
        rest.remove_prefix(count);
        return count;
    }};
    auto store = everfold::open("memory:");
    web_server::import_report report;
    std::vector<std::uint64_t> unparsed;
    web_server::import_access_log(
        lines,
        [&] { return store; },
        {.on_unparsed = [&](std::uint64_t line, std::string_view) { unparsed.push_back(line); },
         .on_progress = [](const web_server::import_report&) {}},
        report
    );
    CHECK(report.lines == 4);
    CHECK(report.requests == 2);
    CHECK(report.errors == 1);
    CHECK(report.unparsed == 2);
    CHECK(report.events == 6);
    CHECK(unparsed == std::vector<std::uint64_t>{1, 3});
    CHECK(store.end().value() == 6);

    web_server::traffic state;
    everfold::folder<web_server::traffic> fold;
    const auto when = everfold::timestamp::parse("2015-05-17T10:05:03Z").value();
    for (const auto& e : store.read()) {
        fold.apply(state, e);
        if (!e.is<web_server::access_log_read>()) {
            CHECK(e.occurred_at == when);
            CHECK(e.recorded_at == when);
        }
    }
    CHECK(state.requests == 2);
    CHECK(state.errors == 1);
    CHECK(state.unparsed == 2);
    CHECK(state.lines == 4);
    CHECK(state.sent.minimum == 7);
    CHECK(state.sent.maximum == 203023);
    CHECK(state.unparsed_lines.front().reason == "it ends in the user's name");
}

TEST_CASE("a file of another kind is refused before there is a log") {
    for (const std::size_t count : {0U, 1U, 999U, 100'000U}) {
        CAPTURE(count);
        std::size_t given = 0;
        web_server::access_log_lines lines{[&](char* to, std::size_t size) {
            std::size_t at = 0;
            for (; given < count && at + 2 <= size; ++given, at += 2) {
                to[at] = 'x';
                to[at + 1] = '\n';
            }
            return at;
        }};
        web_server::import_report report;
        CHECK_THROWS_AS(
            web_server::import_access_log(
                lines,
                []() -> everfold::store { throw std::logic_error{"opened"}; },
                {.on_unparsed = [](std::uint64_t, std::string_view) { FAIL("said"); },
                 .on_progress = [](const web_server::import_report&) {}},
                report
            ),
            web_server::not_an_access_log
        );
        CHECK(report.lines == std::min<std::size_t>(count, 1000));
    }
}
