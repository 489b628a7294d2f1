// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include <everfold/aggregate/diff.hpp>
#include <everfold/json.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

using everfold::as_of;
using everfold::changes_between;
using everfold::diff;
using everfold::query;
using everfold::repository;
using everfold::revision;
using everfold::state_change;

namespace {

nlohmann::json json_of(const ledger& state) {
    everfold::byte_buffer bytes;
    everfold::encode(state, bytes);
    return nlohmann::json::parse(everfold::json_text_from_cbor(bytes));
}

struct shelf {
    std::vector<std::string> books{};
    std::string label{};
};

} // namespace

TEST_CASE("a diff is a JSON Patch that makes of one state the other") {
    std::mt19937_64 random{7};
    const auto any = [&] {
        ledger out;
        out.changes = random() % 3;
        for (auto left = random() % 6; left > 0; --left)
            out.entries["a/b~" + std::to_string(random() % 8)] =
                static_cast<std::int64_t>(random() % 4);
        return out;
    };
    for (int i = 0; i < 200; ++i) {
        CAPTURE(i);
        const auto before = any();
        const auto after = any();
        const auto patch = nlohmann::json::parse(diff(before, after));
        CHECK(json_of(before).patch(patch) == json_of(after));
        CHECK(patch.empty() == (before == after));
        CHECK(changes_between(before, after).size() == patch.size());
    }
}

TEST_CASE("a change says what was there and what is there now") {
    const ledger before{.entries = {{"a", 1}, {"b", 2}}, .changes = 2};
    const ledger after{.entries = {{"b", 3}, {"c", 4}}, .changes = 2};
    const auto found = changes_between(before, after);
    CHECK(
        found ==
        std::vector<state_change>{
            {"/entries/a", "1", ""}, {"/entries/b", "2", "3"}, {"/entries/c", "", "4"}}
    );
    CHECK(everfold::to_text(found) == "- /entries/a  1\n~ /entries/b  2 -> 3\n+ /entries/c  4\n");
    CHECK(
        everfold::to_text({found.data() + 1, 1}, everfold::tint::ansi) ==
        "~ /entries/b  \033[31m2\033[0m -> \033[32m3\033[0m\n"
    );
    CHECK(changes_between(after, after).empty());
    CHECK(diff(after, after) == "[]");
    CHECK(
        everfold::json_patch(found) ==
        R"([{"op":"remove","path":"/entries/a"},{"op":"replace","path":"/entries/b","value":3},)"
        R"({"op":"add","path":"/entries/c","value":4}])"
    );
}

TEST_CASE("a number that is written differently is a change, wherever it lies") {
    const std::map<std::string, std::vector<nlohmann::json>> before{{"a/b", {1, 0.0, "1"}}};
    const std::map<std::string, std::vector<nlohmann::json>> after{{"a/b", {1.0, -0.0, "1"}}};
    CHECK(
        changes_between(before, after) ==
        std::vector<state_change>{{"/a~1b/0", "1", "1.0"}, {"/a~1b/1", "0.0", "-0.0"}}
    );
}

TEST_CASE("the patch between any two JSON values leads from the one to the other") {
    std::mt19937_64 random{11};
    const auto any = [&](const auto& self, int depth) -> nlohmann::json {
        const auto kind = random() % (depth > 3 ? 4 : 6);
        if (kind == 4) {
            auto out = nlohmann::json::array();
            for (auto left = random() % 4; left > 0; --left)
                out.push_back(self(self, depth + 1));
            return out;
        }
        if (kind == 5) {
            auto out = nlohmann::json::object();
            for (auto left = random() % 4; left > 0; --left)
                out["/~" + std::to_string(random() % 4)] = self(self, depth + 1);
            return out;
        }
        return kind == 0   ? nlohmann::json(nullptr)
               : kind == 1 ? nlohmann::json(random() % 3)
               : kind == 2 ? nlohmann::json(static_cast<double>(random() % 3))
                           : nlohmann::json("t" + std::to_string(random() % 3));
    };
    for (int i = 0; i < 2000; ++i) {
        CAPTURE(i);
        const auto before = any(any, 0);
        const auto after = any(any, 0);
        const auto patch = nlohmann::json::parse(diff(before, after));
        CHECK(before.patch(patch).dump() == after.dump());
        CHECK(patch.empty() == (before.dump() == after.dump()));
    }
}

TEST_CASE("what is taken out of a list is named as it was there") {
    const shelf before{.books = {"a", "b", "c", "d"}, .label = "x"};
    const shelf after{.books = {"a", "z"}, .label = "\033[31m"};
    std::vector<std::string> gone;
    for (const auto& c : changes_between(before, after))
        if (c.after.empty())
            gone.push_back(c.before);
    CHECK(gone.size() == 2);
    for (const auto& text : gone)
        CHECK((text == "\"c\"" || text == "\"d\""));
    // A value can't drive the terminal.
    CHECK(everfold::to_text(changes_between(before, after)).find('\033') == std::string::npos);
}

TEST_CASE("the states of any two moments have a diff, and each event of a history its own") {
    auto store = everfold::open("memory:");
    put(store, "one", entry_set{"a", 1}, entry_set{"b", 2}, entry_removed{"a"}, entry_removed{"a"});
    auto books = repository<ledger_book>{store};
    const auto at = [&](std::uint64_t r) { return books.load("one", as_of{revision{r}}).state(); };
    const auto forth = changes_between(at(0).entries, at(2).entries);
    CHECK(forth == std::vector<state_change>{{"/a", "1", ""}, {"/b", "", "2"}});
    const auto back = changes_between(at(2).entries, at(0).entries);
    CHECK(back == std::vector<state_change>{{"/b", "2", ""}, {"/a", "", "1"}});

    std::vector<std::vector<state_change>> of_entries;
    everfold::for_each_change<ledger>(
        store,
        query{}.stream("one"),
        [&](const auto& e, std::vector<state_change> changes) {
            CHECK(e.stream_revision.value() == of_entries.size());
            std::erase_if(changes, [](const auto& c) { return !c.path.starts_with("/entries"); });
            of_entries.push_back(std::move(changes));
        }
    );
    const std::vector<std::vector<state_change>> expected{
        {{"/entries/a", "", "1"}}, {{"/entries/b", "", "2"}}, {{"/entries/a", "1", ""}}, {}};
    CHECK(of_entries == expected);

    std::vector<std::vector<state_change>> in_a;
    everfold::for_each_change_in<ledger>(
        store,
        query{}.stream("one"),
        [](const ledger& state) { return state.entries.contains("a"); },
        [&](const auto&, std::vector<state_change> changes) { in_a.push_back(std::move(changes)); }
    );
    const std::vector<std::vector<state_change>> expected_in_a{
        {{"", "false", "true"}}, {}, {{"", "true", "false"}}, {}};
    CHECK(in_a == expected_in_a);
}
