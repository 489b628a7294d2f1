// SPDX-License-Identifier: MIT
// The quick share of each suite of the proof, and the bug that each must catch.

#include <doctest/doctest.h>
#include <proof/proof.hpp>

#include <string>

using namespace everfold;

TEST_CASE("no suite of the proof finds a violation in its quick share") {
    REQUIRE(!proof::suites().empty());
    for (const auto& s : proof::suites()) {
        CAPTURE(s.name);
        proof::run r{std::string{s.name}, {}};
        s.prove(r);
        r.print();
        CHECK(r.cases() > 0);
        CHECK(r.violations() == 0);
    }
}

TEST_CASE("each suite of the proof catches the bug that is planted for it") {
    for (const auto& s : proof::suites()) {
        CAPTURE(s.name);
        CAPTURE(s.planted);
        proof::run r{std::string{s.name}, {.is_planted = true}};
        s.prove(r);
        CHECK(r.violations() > 0);
    }
}
