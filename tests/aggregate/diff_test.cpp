// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include <everfold/aggregate/diff.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdint>
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
}
