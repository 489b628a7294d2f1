// SPDX-License-Identifier: MIT
// An exact export says all of a log, and a log made of it is its equal.

#include <everfold/base/error.hpp>
#include <everfold/event/cbor.hpp>
#include <everfold/json.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/store/base64.hpp>
#include <everfold/store/exact_transfer.hpp>

#include <doctest/doctest.h>
#include <support/golden_log.hpp>
#include <support/log_verbs.hpp>
#include <support/stores.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace {

byte_buffer bytes(std::initializer_list<int> values) {
    byte_buffer out;
    out.reserve(values.size());
    for (const auto v : values)
        out.push_back(static_cast<std::byte>(v));
    return out;
}

byte_buffer from_json(const char* text) {
    byte_buffer out;
    cbor_from_json(parse_json(text), out);
    return out;
}

/// Maps that JSON says, and maps that it can't say.
std::vector<byte_buffer> payloads() {
    std::vector<byte_buffer> out{
        from_json("{}"),
        from_json(R"({"n":18446744073709551615,"m":-9223372036854775808,"k":9007199254740993})"),
        from_json(R"({"x":0.1,"y":1.0,"z":-0.0,"w":5e-324,"v":1.7976931348623157e308})"),
        from_json("{\"t\":\"\\u0000\\u001b\\ud83d\\ude00 é \\\" \\\\ \\u2028\",\"\":null}"),
        from_json(R"({"z":[true,false,null,[],{}],"a":{"b":{"a":1}}})"),
        from_json(R"({"t":"0x01ff"})"),
    };
    // Byte strings, NaN and the infinities in each width, integers and lengths longer than they
    // must be, a half float, a tag, two keys in one map.
    for (auto& strange :
         {bytes({0xA1, 0x61, 'b', 0x42, 0x01, 0xFF}),
          bytes({0xA1, 0x61, 'b', 0xFB, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0}),
          bytes({0xA1, 0x61, 'b', 0xFB, 0x7F, 0xF8, 0, 0, 0, 0, 0, 1}),
          bytes({0xA1, 0x61, 'b', 0xFB, 0xFF, 0xF0, 0, 0, 0, 0, 0, 0}),
          bytes({0xA1, 0x61, 'b', 0xFA, 0x7F, 0xC0, 0, 0}),
          bytes({0xA1, 0x61, 'b', 0xF9, 0x7E, 0x00}),
          bytes({0xA1, 0x61, 'b', 0xF9, 0x3C, 0x00}),
          bytes({0xA1, 0x61, 'b', 0xFA, 0x3F, 0x80, 0, 0}),
          bytes({0xA1, 0x61, 'b', 0x18, 0x01}),
          bytes({0xA1, 0x61, 'b', 0x1B, 0, 0, 0, 0, 0, 0, 0, 1}),
          bytes({0xB8, 0x01, 0x61, 'b', 0x01}),
          bytes({0xA1, 0x78, 0x01, 'b', 0x01}),
          bytes({0xBF, 0x61, 'b', 0x01, 0xFF}),
          bytes({0xA1, 0x61, 'b', 0xC1, 0x01}),
          bytes({0xA1, 0x61, 'b', 0xF7}),
          bytes({0xA2, 0x61, 'b', 0x01, 0x61, 'b', 0x02})}) {
        try {
            validate(strange);
            out.push_back(strange);
        } catch (const encoding_error&) { // NOLINT(bugprone-empty-catch)
            // No store takes it.
        }
    }
    return out;
}

store_options small_options() {
    return quiet(
        {.segment_bytes_max = 4096 + 2500, .event_bytes_max = 2048, .batch_bytes_max = 1U << 14U}
    );
}

/// A log of many segments with everything in it that an append can say, and rules.
std::shared_ptr<io::simulated_disk> made_log(std::uint64_t seed, int appends) {
    auto disk = std::make_shared<io::simulated_disk>();
    auto s = open("/log", small_options(), io::simulated_machine(disk, seed));
    std::mt19937_64 random{seed};
    const auto below = [&](std::uint64_t n) { return random() % n; };
    const auto any_id = [&] {
        uuid out;
        for (auto& octet : out.octets)
            octet = static_cast<std::byte>(random());
        return out;
    };
    const auto items = payloads();
    const std::vector<std::string> streams{"a", "b-1", "b-2", "zürich \"1\"", "\\n"};
    const std::vector<timestamp> times{
        timestamp{},
        timestamp{1'700'000'000, 123'456'789},
        timestamp{-100'000'000'000'000, 7},
        timestamp{std::numeric_limits<std::int64_t>::max() / 1000, 999'999'999},
        timestamp{-62'167'219'201, 1}};
    for (int i = 0; i < appends; ++i) {
        append_request request;
        auto names = streams;
        std::ranges::shuffle(names, random);
        names.resize(1 + below(3));
        if (i == 0 && std::ranges::find(names, "a") == names.end())
            names.front() = "a"; // which gets a rule
        for (const auto& name : names) {
            stream_append to{.stream = name};
            for (auto count = 1 + below(3); count > 0; --count) {
                auto e = numbered(static_cast<std::uint32_t>(below(1000)), "typé");
                e.version = 1 + static_cast<std::uint32_t>(below(3));
                e.payload = items[below(items.size())];
                if (below(3) == 0)
                    e.metadata = items[below(items.size())];
                if (below(3) == 0)
                    e.tags = {"k:" + std::to_string(below(4)), "lang:é", "k:\"x\""};
                if (below(3) == 0)
                    e.id = any_id();
                if (below(3) == 0)
                    e.occurred_at = times[below(times.size())];
                if (below(4) == 0)
                    e.originally_recorded_at =
                        timestamp{static_cast<std::int64_t>(below(1 << 30)), 5};
                if (below(4) == 0)
                    e.correlation_id = any_id();
                if (below(4) == 0)
                    e.causation_id = any_id();
                to.events.push_back(std::move(e));
            }
            request.streams.push_back(std::move(to));
        }
        if (below(2) == 0)
            request.append_id = any_id();
        s.append(request).value();
        if (i == appends / 2) {
            s.truncate("a", revision{1}).value();
            s.append(to_stream("gone", {numbered(1)})).value();
            s.tombstone("gone").value();
            s.retain("b-1", {.max_count = 2}).value();
        }
    }
    s.close();
    return disk;
}

std::string exported(const io::machine& machine, const std::string& path) {
    std::string out;
    export_exactly(
        path, [&](std::string_view line) { (out += line) += '\n'; }, {}, machine
    );
    return out;
}

std::vector<std::string> lines_in(const std::string& text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        out.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

exact_report imported(
    const io::machine& machine, const std::vector<std::string>& lines, const std::string& into
) {
    std::size_t next = 0;
    return import_exactly(
        [&]() -> std::optional<std::string_view> {
            if (next == lines.size())
                return {};
            return lines[next++];
        },
        into,
        {},
        machine
    );
}

/// Everything that the log room knows of its events, in one text each.
std::vector<std::string> all_of(const io::machine& machine, const std::string& path) {
    const auto log = log::event_log::open(machine, path, {.mode = log::access::read_only});
    const auto& index = log->index();
    log::selection all;
    all.items.emplace_back();
    log::log_cursor cursor{index, std::move(all)};
    std::vector<std::string> out{index.log_id().to_string(), std::to_string(index.end().value())};
    while (const auto* e = cursor.next()) {
        const auto batch = cursor.batch();
        const auto& type = index.type(e->type);
        std::string line;
        for (const auto n :
             {e->at.value(),
              batch.first.value(),
              std::uint64_t{batch.count},
              e->stream_revision.value(),
              std::uint64_t{type.version},
              static_cast<std::uint64_t>(e->record.recorded_ns),
              static_cast<std::uint64_t>(e->record.occurred_at.seconds()),
              std::uint64_t{e->record.occurred_at.nanoseconds()}})
            line += std::to_string(n) + ' ';
        for (const auto& id :
             {batch.id, e->record.id, e->record.correlation_id, e->record.causation_id})
            line += id.to_string() + ' ';
        line += std::string{e->stream} + '|' + type.name + '|';
        for (std::size_t i = 0; i < e->record.tag_count(); ++i)
            line +=
                std::string{e->in->index->tag(e->in->index->tag_number(e->record.tag(i)))} + ',';
        line += '|';
        line += as_text(e->record.metadata);
        line += '|';
        line += as_text(e->record.payload);
        // The last segments know it; older ones by the event's place.
        if (index.append_of(e->at).id != batch.id)
            line += " another batch";
        out.push_back(std::move(line));
    }
    return out;
}

std::string refusal_of(
    const std::shared_ptr<io::simulated_disk>& disk,
    const std::vector<std::string>& lines,
    errc wanted = errc::encoding
) {
    try {
        imported(io::simulated_machine(disk, 9), lines, "/refused");
    } catch (const error& e) {
        CHECK(e.code() == wanted);
        return e.message();
    }
    return "taken";
}

} // namespace

TEST_CASE("a log made of an exact export equals the exported one in every event and append") {
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
        CAPTURE(seed);
        const auto disk = made_log(seed, 30);
        const auto machine = io::simulated_machine(disk, seed + 100);
        const auto text = exported(machine, "/log");
        const auto report = imported(machine, lines_in(text), "/new");
        const auto before = all_of(machine, "/log");
        const auto after = all_of(machine, "/new");
        CHECK(report.events + 2 == before.size());
        REQUIRE(before.size() == after.size());
        for (std::size_t i = 0; i < before.size(); ++i)
            CHECK(before[i] == after[i]);
        CHECK(exported(machine, "/new") == text);
        CHECK(is_clean(machine, "/new"));
        // And what a store says: rules hide the same, and times lead to the same.
        auto one = open("/log", {.mode = open_mode::read_only}, machine);
        auto other = open("/new", {.mode = open_mode::existing}, machine);
        CHECK(lines_of(one.read()) == lines_of(other.read()));
        CHECK(one.streams() == other.streams());
        for (const auto& e : one.read()) {
            CHECK(one.position_at(e.recorded_at) == other.position_at(e.recorded_at));
            CHECK(one.last_revision(e.stream) == other.last_revision(e.stream));
        }
        CHECK_THROWS_AS(other.append(to_stream("gone", {numbered(1)})).value(), error);
        const auto added = other.append(to_stream("b-2", {numbered(1)})).value();
        CHECK(added.first.next() == other.end());
    }
}

TEST_CASE("an append that is repeated at an imported log gets the answer that it got") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto machine = io::simulated_machine(disk, 1);
    auto s = open("/log", small_options(), machine);
    std::vector<append_request> requests;
    std::vector<appended> answers;
    for (std::uint32_t i = 0; i < 40; ++i) {
        auto request = to_stream(
            "s", {numbered(i), numbered(i + 1)}, expected_revision::of(s.last_revision("s"))
        );
        request.append_id.octets.fill(static_cast<std::byte>(i + 1));
        answers.push_back(s.append(request).value());
        requests.push_back(std::move(request));
    }
    s.close();
    imported(machine, lines_in(exported(machine, "/log")), "/new");
    auto other = open("/new", {}, machine);
    const auto end = other.end();
    for (std::size_t i = 0; i < requests.size(); ++i)
        CHECK(other.append(requests[i]).value() == answers[i]);
    CHECK(other.end() == end);
}

TEST_CASE("JSON stands in an exact export only where it says the bytes exactly") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto machine = io::simulated_machine(disk, 1);
    auto s = open("/log", small_options(), machine);
    auto bin = numbered(1);
    bin.payload = bytes({0xA1, 0x61, 'b', 0x42, 0x01, 0xFF});
    auto big = numbered(1);
    big.payload = from_json(R"({"n":18446744073709551615,"x":1.0})");
    s.append(to_stream("s", {bin, big})).value();
    s.close();
    const auto lines = lines_in(exported(machine, "/log"));
    REQUIRE(lines.size() == 4);
    CHECK(lines[1].ends_with(R"(,"data_cbor":"oWFiQgH/"})"));
    CHECK(lines[2].ends_with(R"(,"data":{"n":18446744073709551615,"x":1.0}})"));
    CHECK(lines[1].find(R"({"append":{"events":2},"position":0,)") == 0);
    CHECK(lines[2].find(R"({"position":1,)") == 0);
}

TEST_CASE("of removed events an exact export says the positions, and the import refuses them") {
    const auto disk = golden_log(true);
    const auto machine = io::simulated_machine(disk, 7);
    std::string text;
    const auto report = export_exactly(
        "/log", [&](std::string_view line) { (text += line) += '\n'; }, {}, machine
    );
    CHECK(report.removed > 0);
    CHECK(report.events + report.removed == report.end.value());
    const auto lines = lines_in(text);
    const auto removed =
        static_cast<std::uint64_t>(std::ranges::count_if(lines, [](const std::string& l) {
            return l.starts_with(R"({"removed":)");
        }));
    CHECK(lines.size() == report.events + removed + 2);
    const auto why = refusal_of(disk, lines, errc::invalid);
    CHECK(why.find("were removed from the log") != std::string::npos);
    CHECK_THROWS_AS(
        static_cast<void>(open("/refused", {.mode = open_mode::read_only}, machine)), error
    );
}

TEST_CASE("power lost while a log is imported leaves no log or all of it, and the next run makes it"
) {
    const auto made = made_log(3, 12);
    const auto machine = io::simulated_machine(made, 1);
    const auto text = exported(machine, "/log");
    const auto lines = lines_in(text);
    const auto durable = made->after_power_cut(io::power_cut::keep_all, 1);
    int whole = 0;
    int again = 0;
    for (std::uint64_t at = 0;; at += at < 60 ? 1 : 7) {
        const auto disk = durable->after_kill();
        disk->power_off_at(at);
        bool is_done = false;
        try {
            imported(io::simulated_machine(disk, 2), lines, "/new");
            is_done = true;
        } catch (const io::simulated_disk::powered_off&) {
        }
        for (const auto kind :
             {io::power_cut::lose_all, io::power_cut::keep_all, io::power_cut::random}) {
            CAPTURE(at);
            const auto left = disk->after_power_cut(kind, at);
            const auto after = io::simulated_machine(left, 3);
            bool is_log = true;
            try {
                static_cast<void>(open("/new", {.mode = open_mode::read_only}, after));
            } catch (const error& e) {
                CHECK((e.code() == errc::not_a_log || e.code() == errc::damaged));
                is_log = false;
            }
            CHECK((is_log || !is_done));
            if (is_log) {
                ++whole;
            } else {
                imported(after, lines, "/new");
                ++again;
            }
            CHECK(exported(after, "/new") == text);
        }
        if (is_done)
            break;
    }
    CHECK(whole >= 3);
    CHECK(again > 100);
}

TEST_CASE("a disk that is full ends an import, and the next run makes the log") {
    const auto disk = made_log(5, 12);
    const auto machine = io::simulated_machine(disk, 1);
    const auto text = exported(machine, "/log");
    const auto lines = lines_in(text);
    for (const std::uint64_t at : {0U, 1U, 3U, 10U, 20U, 40U, 80U}) {
        CAPTURE(at);
        const auto full = disk->after_kill();
        const auto there = io::simulated_machine(full, 1);
        full->fail_at(full->operation_count() + at, ENOSPC, true);
        CHECK_THROWS_AS(imported(there, lines, "/new"), error);
        const auto emptier = full->after_kill();
        const auto later = io::simulated_machine(emptier, 1);
        CHECK_THROWS_AS(
            static_cast<void>(open("/new", {.mode = open_mode::read_only}, later)), error
        );
        imported(later, lines, "/new");
        CHECK(exported(later, "/new") == text);
    }
}

TEST_CASE("an exact import goes into a new directory, and touches no other") {
    const auto disk = made_log(2, 3);
    const auto machine = io::simulated_machine(disk, 1);
    const auto lines = lines_in(exported(machine, "/log"));
    const auto before = all_of(machine, "/log");
    CHECK_THROWS_AS(imported(machine, lines, "/log"), error);
    disk->make_directory("/mine");
    disk->set_content("/mine/notes", bytes({1, 2, 3}));
    CHECK_THROWS_AS(imported(machine, lines, "/mine"), error);
    CHECK(disk->content("/mine/notes") == bytes({1, 2, 3}));
    // Something of another's beside an interrupted import.
    disk->make_directory("/other");
    disk->set_content("/other/LOG.importing", {});
    disk->set_content("/other/notes", bytes({1}));
    CHECK_THROWS_AS(imported(machine, lines, "/other"), error);
    CHECK(disk->content("/other/notes") == bytes({1}));
    CHECK(all_of(machine, "/log") == before);
    // Where lines are no export, nothing is made.
    CHECK(refusal_of(disk, {"{}"}).starts_with("line 1: "));
    CHECK(disk->kind("/refused") == io::path_kind::missing);
}

TEST_CASE("each line that is wrong is named by its number") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto machine = io::simulated_machine(disk, 1);
    auto s = open("/log", small_options(), machine);
    auto e = numbered(1);
    e.id.octets.fill(std::byte{7});
    s.append(to_stream("s", {e, e})).value();
    s.append(to_stream("t", {numbered(2)})).value();
    s.close();
    const auto good = lines_in(exported(machine, "/log"));
    REQUIRE(good.size() == 5);
    const auto with = [&](std::size_t at, const std::string& from, const std::string& to) {
        auto out = good;
        const auto found = out[at].find(from);
        REQUIRE(found != std::string::npos);
        out[at].replace(found, from.size(), to);
        return refusal_of(disk, out);
    };
    CHECK(refusal_of(disk, {}) == "line 1: there is none; an exact export has at least two");
    CHECK(
        refusal_of(disk, {good.begin(), good.end() - 1}) ==
        "line 5: it is missing: the export was cut short"
    );
    CHECK(refusal_of(disk, {good[0], good[1], good[3], good[4]}).starts_with("line 3: "));
    CHECK(refusal_of(disk, {good[0], good[1], good[4]}).find("lacks 1 of") != std::string::npos);
    auto longer = good;
    longer.push_back(good[4]);
    CHECK(refusal_of(disk, longer).starts_with("line 6: "));
    CHECK(with(0, "\"version\":1", "\"version\":0").starts_with("line 1: "));
    CHECK(with(1, "\"events\":2", "\"events\":1").starts_with("line 3: "));
    CHECK(with(1, "\"events\":2", "\"events\":4294967295").starts_with("line 4: "));
    CHECK(with(2, "\"position\":1", "\"position\":2").starts_with("line 3: "));
    CHECK(with(2, "\"revision\":1", "\"revision\":2").starts_with("line 3: 'revision' must be 1"));
    CHECK(with(2, "\"stream\":\"s\"", "\"stream\":\"\"").starts_with("line 2: no log takes"));
    CHECK(with(3, "\"recorded_at\":\"2", "\"recorded_at\":\"1").starts_with("line 4: "));
    CHECK(with(3, "\"derived_id\":\"", "\"id_is\":\"").starts_with("line 4: "));
    CHECK(
        with(3, "\"position\":2", "\"position\":2,\"more\":1").find("does not know") !=
        std::string::npos
    );
    CHECK(
        with(3, "\"data\":", "\"data_cbor\":\"oWFuAg==\",\"data\":").find("is there twice") !=
        std::string::npos
    );
    CHECK(
        with(3, "\"data\":{\"n\":2}", "\"data_cbor\":\"oWFuAh==\"").find("is not base64") !=
        std::string::npos
    );
    CHECK(with(3, "\"data\":{\"n\":2}", "\"data\":[2]").find("is no data") != std::string::npos);
    CHECK(with(4, "\"events\":3", "\"events\":2").starts_with("line 5: "));
    CHECK(refusal_of(disk, good) == "taken");
}

TEST_CASE("whatever is changed in an exact export, the import is refused or makes a whole log") {
    const std::uint64_t seed = std::random_device{}();
    std::printf(
        "exact import of changed lines: seed %llu\n", static_cast<unsigned long long>(seed)
    );
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto made = made_log(seed % 1000, 6);
    const auto good = lines_in(exported(io::simulated_machine(made, 1), "/log"));
    int refused = 0;
    for (int round = 0; round < 400; ++round) {
        auto lines = good;
        const auto at = random() % lines.size();
        auto& line = lines[at];
        switch (random() % 6) {
        case 0:
            line[random() % line.size()] = static_cast<char>(random());
            break;
        case 1:
            line.erase(random() % line.size(), 1 + random() % 9);
            break;
        case 2:
            line.insert(random() % line.size(), lines[random() % lines.size()].substr(0, 12));
            break;
        case 3:
            lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
            break;
        case 4:
            std::swap(lines[at], lines[random() % lines.size()]);
            break;
        default:
            for (auto& c : line) {
                if (c >= '0' && c <= '9' && random() % 8 == 0)
                    c = static_cast<char>('0' + random() % 10);
            }
        }
        const auto disk = std::make_shared<io::simulated_disk>();
        const auto machine = io::simulated_machine(disk, 1);
        bool is_taken = false;
        try {
            imported(machine, lines, "/new");
            is_taken = true;
        } catch (const error&) {
            ++refused;
        }
        if (is_taken) {
            // What was taken is said again as it was, spelling aside.
            const auto again = lines_in(exported(machine, "/new"));
            REQUIRE(again.size() == lines.size());
            CHECK(is_clean(machine, "/new"));
        } else {
            CHECK_THROWS_AS(
                static_cast<void>(open("/new", {.mode = open_mode::read_only}, machine)), error
            );
        }
    }
    CHECK(refused > 200);
}

TEST_CASE("base64 of every length is read back, and no other spelling is") {
    for (std::size_t size = 0; size < 20; ++size) {
        byte_buffer in(size, std::byte{0xFB});
        std::string text;
        append_base64(text, in);
        const auto back = bytes_from_base64(text);
        CHECK(back == std::optional{in});
    }
    for (const auto* wrong :
         {"A", "AA", "AAA", "AB==", "AAB=", "A===", "====", "AA=A", "AA A", "AA==AAAA"}) {
        const auto back = bytes_from_base64(wrong);
        CHECK_MESSAGE(!back, wrong);
    }
}
