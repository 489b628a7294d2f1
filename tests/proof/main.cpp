// SPDX-License-Identifier: MIT
// proof SUITE: runs one suite of the proof and prints its lines. Exits with 1 where a promise was
// violated, or where a planted bug was not caught.

#include <proof/proof.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

using namespace everfold;

namespace {

constexpr auto usage = "proof SUITE [--full] [--plant] [--seed N] [--from STEP] [--seconds N] "
                       "[--only STEP.CASE]\nproof --list\n";

[[noreturn]] void refuse(std::string_view why) {
    std::fprintf(stderr, "proof: %.*s\n%s", static_cast<int>(why.size()), why.data(), usage);
    std::exit(2);
}

std::uint64_t number(std::string_view text) {
    std::uint64_t out = 0;
    const auto end = text.data() + text.size();
    const auto [rest, failure] = std::from_chars(text.data(), end, out);
    if (failure != std::errc{} || rest != end)
        refuse("that is no number");
    return out;
}

proof::place place_in(std::string_view text) {
    const auto dot = text.find('.');
    if (dot == std::string_view::npos)
        refuse("--only takes STEP.CASE");
    return {number(text.substr(0, dot)), number(text.substr(dot + 1))};
}

int prove(const proof::suite& s, const proof::settings& wanted) {
    proof::run r{std::string{s.name}, wanted};
    s.prove(r);
    if (!wanted.is_planted) {
        r.print();
        return r.violations() == 0 && r.cases() > 0 ? 0 : 1;
    }
    const bool is_caught = r.violations() > 0;
    std::printf(
        "planted: %.*s: %s after %llu cases\n",
        static_cast<int>(s.planted.size()),
        s.planted.data(),
        is_caught ? "caught" : "NOT caught",
        static_cast<unsigned long long>(r.cases())
    );
    return is_caught ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    std::string_view name;
    proof::settings wanted;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const auto value = [&] { return ++i < argc ? std::string_view{argv[i]} : ""; };
        if (word == "--full")
            wanted.is_full = true;
        else if (word == "--plant")
            wanted.is_planted = true;
        else if (word == "--seed")
            wanted.seed = number(value());
        else if (word == "--from")
            wanted.from = number(value());
        else if (word == "--seconds")
            wanted.seconds_max = static_cast<double>(number(value()));
        else if (word == "--only")
            wanted.only = place_in(value());
        else if (name.empty())
            name = word;
        else
            refuse("one suite at a time");
    }
    for (const auto& s : proof::suites()) {
        if (name == "--list")
            std::printf(
                "%-18.*s %.*s\n",
                static_cast<int>(s.name.size()),
                s.name.data(),
                static_cast<int>(s.about.size()),
                s.about.data()
            );
        else if (name == s.name)
            return prove(s, wanted);
    }
    if (name != "--list")
        refuse("there is no such suite");
    return 0;
}
