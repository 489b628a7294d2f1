// SPDX-License-Identifier: MIT
// The checks of a state: a good one passes them all, and each finds the state that is wrong in its
// way and says so in these words.

#include <everfold/testing/fold_checks.hpp>

#include <doctest/doctest.h>
#include <support/scratch_dir.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace shelf {

enum class size { small, large };

enum class colour { red, green };

struct place {
    std::int32_t row{};
    std::optional<std::string> note{};
    std::vector<place> within{};

    friend bool operator==(const place&, const place&) = default;
};

/// A field of every kind.
struct filled {
    static constexpr std::string_view event_type = "filled";
    bool flag{};
    std::int8_t small_number{};
    std::uint64_t number{};
    double weight{};
    float height{};
    size how_big{};
    colour tint{};
    std::string name{};
    byte_buffer raw{};
    std::array<std::byte, 4> mark{};
    uuid id{};
    timestamp at{};
    std::chrono::system_clock::time_point seen{};
    std::chrono::seconds span{};
    revision rev{};
    std::optional<std::int64_t> maybe{};
    patch<std::string> title{};
    std::vector<place> places{};
    std::vector<bool> bits{};
    std::array<std::int16_t, 3> three{};
    std::tuple<std::int32_t, std::string> both{};
    std::set<std::string> words{};
    std::map<std::int64_t, place> by_number{};
    std::unordered_map<std::string, std::uint32_t> by_name{};
    unknown_fields rest{};

    friend bool operator==(const filled&, const filled&) = default;
};

struct emptied {
    static constexpr std::string_view event_type = "emptied";
};

struct good {
    using events = everfold::events<filled, emptied>;

    std::map<std::string, filled> by_name{};
    std::optional<place> last{};
    std::uint64_t count{};

    void apply(const filled& e) {
        by_name[e.name] = e;
        if (!e.places.empty())
            last = e.places.back();
        ++count;
    }

    void apply(const emptied&) { by_name.clear(); }

    friend bool operator==(const good&, const good&) = default;
};

struct named {
    static constexpr std::string_view event_type = "named";
    std::string name{};
};

struct counted {
    static constexpr std::string_view event_type = "counted";
    std::int64_t n{};
};

/// apply() fails on an empty text, once something was counted.
struct throwing {
    using events = everfold::events<named, counted>;

    bool was_counted{};

    void apply(const named& e) {
        if (e.name.empty() && was_counted)
            throw std::range_error{"a name is never empty"};
    }

    void apply(const counted&) { was_counted = true; }
};

/// apply() fails where the last name was empty or there was none.
struct strict {
    using events = everfold::events<named, counted>;

    std::string name{};

    void apply(const named& e) { name = e.name; }

    void apply(const counted&) {
        if (name.empty())
            throw std::range_error{"a count without a name"};
    }
};

/// apply() depends on something outside of the state.
struct counting {
    using events = everfold::events<counted>;

    std::int64_t folded{};

    void apply(const counted&) { folded = ++calls(); }

    static std::int64_t& calls() {
        static std::int64_t n = 0;
        return n;
    }
};

/// A copy shares what it points to.
class sharing {
public:
    using events = everfold::events<counted>;

    void apply(const counted&) { ++*n; }

    std::shared_ptr<std::int64_t> n{std::make_shared<std::int64_t>()};
};

/// Keeps something that its snapshot does not.
class hiding {
public:
    using events = everfold::events<counted>;

    void apply(const counted&) {
        ++hidden_;
        if (hidden_ == 3)
            shown = 1;
    }

    std::int64_t shown{};

private:
    std::int64_t hidden_{};
};

/// The same, and says so when it is compared.
class comparing {
public:
    using events = everfold::events<counted>;

    void apply(const counted&) { ++hidden_; }

    friend bool operator==(const comparing&, const comparing&) = default;

    std::int64_t shown{};

private:
    std::int64_t hidden_{};
};

/// Written without its sign.
struct amount {
    std::int64_t cents{};
};

struct paid {
    static constexpr std::string_view event_type = "paid";
    amount what{};
};

struct till {
    using events = everfold::events<paid>;

    std::int64_t count{};

    void apply(const paid&) { ++count; }
};

/// Read by adding to what is there.
struct tally {
    std::int64_t n{};
};

struct tallied {
    static constexpr std::string_view event_type = "tallied";
    tally what{};
};

struct tallies {
    using events = everfold::events<tallied>;

    std::int64_t count{};

    void apply(const tallied&) { ++count; }
};

enum class badge { gold, silver };

struct badged {
    static constexpr std::string_view event_type = "badged";
    badge what{};
};

struct badges {
    using events = everfold::events<badged>;

    std::int64_t count{};

    void apply(const badged&) { ++count; }
};

/// Of another layout than `comparing`.
struct renamed {
    using events = everfold::events<counted>;
    static constexpr std::uint32_t fold_version = 3;

    std::int64_t seen{};

    void apply(const counted&) { ++seen; }
};

/// Written with a part of what it holds.
struct remark {
    std::int64_t kept{};
    std::int64_t lost{};

    friend bool operator==(const remark&, const remark&) = default;
};

struct remarked {
    static constexpr std::string_view event_type = "remarked";
    remark what{};

    friend bool operator==(const remarked&, const remarked&) = default;
};

struct remarks {
    using events = everfold::events<remarked>;

    std::int64_t count{};

    void apply(const remarked&) { ++count; }
};

} // namespace shelf

template <>
struct everfold::describe<shelf::colour> {
    static constexpr std::array names{
        everfold::named("red", shelf::colour::red), everfold::named("green", shelf::colour::green)};
};

template <>
struct everfold::describe<shelf::badge> {
    static constexpr std::array names{everfold::named("gold", shelf::badge::gold)};
};

template <>
struct everfold::testing::any_value<shelf::badge> {
    static shelf::badge make(value_source&) { return shelf::badge::silver; }
};

template <>
struct everfold::codec<std::shared_ptr<std::int64_t>> {
    static constexpr std::string_view wire = "shared number";

    static void encode(const std::shared_ptr<std::int64_t>& value, everfold::cbor_writer& out) {
        out.write_integer(*value);
    }

    static void decode(everfold::cbor_reader& in, std::shared_ptr<std::int64_t>& into) {
        into = std::make_shared<std::int64_t>(in.read_integer<std::int64_t>());
    }
};

template <>
struct everfold::describe<shelf::sharing> {
    static constexpr auto fields = std::tuple{everfold::field("n", &shelf::sharing::n)};
};

template <>
struct everfold::describe<shelf::hiding> {
    static constexpr auto fields = std::tuple{everfold::field("shown", &shelf::hiding::shown)};
};

template <>
struct everfold::describe<shelf::comparing> {
    static constexpr auto fields = std::tuple{everfold::field("shown", &shelf::comparing::shown)};
};

template <>
struct everfold::describe<shelf::remark> {
    static constexpr auto fields = std::tuple{everfold::field("kept", &shelf::remark::kept)};
};

template <>
struct everfold::codec<shelf::amount> {
    static constexpr std::string_view wire = "amount";

    static void encode(const shelf::amount& value, everfold::cbor_writer& out) {
        out.write_integer(value.cents);
    }

    static void decode(everfold::cbor_reader& in, shelf::amount& into) {
        const auto cents = in.read_integer<std::int64_t>();
        into.cents = cents < 0 ? -cents : cents;
    }
};

template <>
struct everfold::testing::any_value<shelf::amount> {
    static shelf::amount make(value_source& from) { return {from.between<std::int64_t>(-9, -9)}; }
};

template <>
struct everfold::codec<shelf::tally> {
    static constexpr std::string_view wire = "tally";

    static void encode(const shelf::tally& value, everfold::cbor_writer& out) {
        out.write_integer(value.n);
    }

    static void decode(everfold::cbor_reader& in, shelf::tally& into) {
        into.n += in.read_integer<std::int64_t>();
    }
};

template <>
struct everfold::testing::any_value<shelf::tally> {
    static shelf::tally make(value_source&) { return {4}; }
};

template <>
struct everfold::testing::any_value<shelf::remark> {
    static shelf::remark make(value_source&) { return {.kept = 1, .lost = 2}; }
};

namespace {

template <class F>
std::string said_by(const F& f) {
    try {
        f();
    } catch (const failed& e) {
        return std::string{e.message()};
    }
    return {};
}

template <class State>
void write_golden(const std::string& file) {
    static_cast<void>(::setenv("EVERFOLD_WRITE_GOLDEN", "1", 1));
    check_snapshot_layout<State>(file);
    static_cast<void>(::unsetenv("EVERFOLD_WRITE_GOLDEN"));
}

} // namespace

TEST_CASE("a state that folds as it must passes every check, with fields of every kind") {
    CHECK(said_by([] { check_state<shelf::good>(); }).empty());
    for (std::uint64_t seed = 2; seed < 8; ++seed) {
        CAPTURE(seed);
        CHECK(said_by([&] { check_state<shelf::good>({.cases = 80, .seed = seed}); }).empty());
    }
    check_fold_twice<shelf::good>(shelf::filled{.number = 5, .name = "a"}, shelf::emptied{});
    check_fold_from_snapshot<shelf::good>(
        shelf::filled{.number = 5, .name = "a"}, shelf::emptied{}
    );
    check_fold_twice<shelf::good>(random_events{.cases = 3, .seed = 9});
}

TEST_CASE("random values have every alternative, the limits and what is hard to write") {
    value_source from{1};
    bool is_absent = false;
    bool is_null = false;
    bool has_value = false;
    bool is_nested = false;
    bool is_long = false;
    bool is_max = false;
    bool has_zero_byte = false;
    bool has_unknown = false;
    for (int n = 0; n < 300; ++n) {
        const auto e = random_value<shelf::filled>(from);
        is_absent |= e.title.is_absent();
        is_null |= e.title.is_null();
        has_value |= e.title.has_value();
        for (const auto& p : e.places)
            is_nested |= !p.within.empty();
        is_long |= e.places.size() > 30 && e.name.size() > 0;
        is_max |= e.number == ~std::uint64_t{0};
        has_zero_byte |= e.name.find('\0') != std::string::npos;
        has_unknown |= !e.rest.empty();
    }
    CHECK(is_absent);
    CHECK(is_null);
    CHECK(has_value);
    CHECK(is_nested);
    CHECK(is_long);
    CHECK(is_max);
    CHECK(has_zero_byte);
    CHECK(has_unknown);
}

TEST_CASE("a seed makes the same values again, and another seed others") {
    const auto made_by = [](std::uint64_t seed) {
        value_source from{seed};
        return random_value<shelf::filled>(from);
    };
    CHECK(made_by(7) == made_by(7));
    CHECK_FALSE(made_by(7) == made_by(8));
    value_source from{1};
    CHECK(from.bits() == 10451216379200822465U); // on every machine
}

TEST_CASE("events of a history are numbered by type and version, as a store does") {
    auto newer = encoded(shelf::counted{});
    newer.version = 2;
    const everfold::testing::detail::history h{
        list_of(shelf::named{}, shelf::counted{}, newer, shelf::named{}, shelf::counted{})};
    std::vector<std::uint32_t> numbers;
    for (std::size_t i = 0; i < h.size(); ++i)
        numbers.push_back(h.at(i).type_number);
    CHECK(numbers == std::vector<std::uint32_t>{0, 1, 2, 0, 1});
}

TEST_CASE("an apply() that throws is found, with the fewest events that make it") {
    CHECK(said_by([] {
              check_apply_never_throws<shelf::throwing>({.cases = 200, .seed = 3});
          }) == R"(apply() threw on valid events: a name is never empty
events, none of which can be left out
  0  counted  {"n":2}
  1  named  {"name":""}
random events of EVERFOLD_SEED=3)");
    for (std::uint64_t seed = 1; seed < 20; ++seed) {
        CAPTURE(seed);
        const auto said = said_by([&] { check_apply_never_throws<shelf::strict>({.seed = seed}); });
        CHECK(said.find("named") == std::string::npos); // an empty name before it is not needed
    }
    CHECK(said_by([] { check_state<shelf::throwing>(); }).starts_with("apply() threw on valid"));
    CHECK(said_by([] {
              check_fold_twice<shelf::throwing>(shelf::counted{}, shelf::named{});
          }) == "folding twice failed: a name is never empty");
}

TEST_CASE("a fold that depends on more than its events is found where it begins") {
    shelf::counting::calls() = 0;
    CHECK(
        said_by([] { check_fold_twice<shelf::counting>(shelf::counted{7}); }) ==
        R"(two folds of the same events differ at revision 0
event
  0  counted  {"n":7}
first -> second
  ~ /folded  3 -> 4)"
    );
    CHECK(
        said_by([] { check_state<shelf::counting>({.seed = 1}); }) ==
        R"(two folds of the same events differ at revision 0
event
  0  counted  {"n":61}  at 2023-11-14T22:13:53.000Z
first -> second
  ~ /folded  285 -> 286
random events of EVERFOLD_SEED=1)"
    );
}

TEST_CASE("a state whose copies are not on their own is found") {
    CHECK(
        said_by([] {
            check_fold_twice<shelf::sharing>(shelf::counted{}, shelf::counted{}, shelf::counted{});
        }) ==
        R"(a copy of the state changes with the state that it was copied from: 2 events folded into one changed the other
before -> after
  ~ /n  1 -> 3)"
    );
}

TEST_CASE("a state that keeps something beside its snapshot is found where it shows") {
    CHECK(
        said_by([] {
            check_fold_from_snapshot<shelf::hiding>(
                shelf::counted{1}, shelf::counted{2}, shelf::counted{3}, shelf::counted{4}
            );
        }) ==
        R"(a snapshot at revision 0 and the events after it give another state at revision 2 than all events
event
  2  counted  {"n":3}
from all events -> from the snapshot
  ~ /shown  1 -> 0)"
    );
    CHECK(
        said_by([] { check_fold_from_snapshot<shelf::comparing>(shelf::counted{1}); }) ==
        R"(a snapshot at revision 0 is not equal to its state: what differs is not written
event
  0  counted  {"n":1}
written
  {
    "shown": 0
  })"
    );
    CHECK(said_by([] { check_state<shelf::hiding>({.seed = 5}); }
    ).starts_with("a snapshot at revision 0 and the events after it give another state"));
}

TEST_CASE("an event that is not read as it was written is found") {
    CHECK(
        said_by([] { check_round_trips<shelf::till>({.seed = 2}); }) ==
        R"('paid' is not read as it was written
written -> read
  ~ /what  -9 -> 9
random events of EVERFOLD_SEED=2)"
    );
    CHECK(
        said_by([] { check_round_trips<shelf::tallies>({.seed = 2}); }) ==
        R"('tallied' is not read as it was written, into an object that held another one
written -> read
  ~ /what  4 -> 8
random events of EVERFOLD_SEED=2)"
    );
    CHECK(
        said_by([] { check_round_trips<shelf::remarks>({.seed = 2}); }) ==
        R"('remarked' is not equal to what was written and read: what differs is not written
written
  {
    "what": {
      "kept": 1
    }
  }
random events of EVERFOLD_SEED=2)"
    );
    CHECK(
        said_by([] { check_round_trips<shelf::badges>({.seed = 2}); }) ==
        R"(a valid 'badged' can't be written: badged.what: a value of an enumeration that has no name in describe (at byte 6)
random events of EVERFOLD_SEED=2)"
    );
    CHECK(said_by([] { check_state<shelf::till>(); }).starts_with("'paid' is not read as"));
}

TEST_CASE("the layout of snapshots is held to a golden file, which is written on request") {
    const scratch_dir directory;
    const auto file = directory / "layout.txt";
    const auto missing = said_by([&] { check_snapshot_layout<shelf::hiding>(file); });
    CHECK(missing == "there is no golden file '" + file + "'; EVERFOLD_WRITE_GOLDEN=1 writes it");
    write_golden<shelf::good>(file);
    write_golden<shelf::comparing>(file); // shorter
    check_snapshot_layout<shelf::comparing>(file);
    check_snapshot_layout<shelf::hiding>(file);     // says the same of its fields
    check_state<shelf::renamed>({.cases = 10}, {}); // without a file nothing is compared
    CHECK(
        said_by([&] { check_state<shelf::renamed>({.cases = 10}, file); }) ==
        "the layout of the snapshots is not the one in '" + file +
            R"('. Those of before are passed over, and states folded from all events, until there are new ones; where that is meant, EVERFOLD_WRITE_GOLDEN=1 writes the file
golden -> now
  - fold_version  1
  - layout  0x5a3e0650b1831320
  - /shown  int64
  + fold_version  3
  + layout  0x9fd2575c4cf353f9
  + /seen  int64)"
    );
}

TEST_CASE("the words of a layout tell every field and its form") {
    const auto words = everfold::testing::detail::layout_text<shelf::good>();
    CHECK(words.starts_with(R"(fold  state
fold_version  1
layout  0x6fa7d84ddb26b99c
/  struct
/by_name  map by text
/by_name/*  struct
/by_name/*/flag  bool
/by_name/*/small_number  int8
/by_name/*/number  uint64
/by_name/*/weight  float64
/by_name/*/height  float32
/by_name/*/how_big  enum int32
/by_name/*/tint  one of red green
/by_name/*/name  text
/by_name/*/raw  bytes
/by_name/*/mark  4 bytes
/by_name/*/id  uuid
/by_name/*/at  time
/by_name/*/seen  time
/by_name/*/span  duration of 1/1 s, int64
/by_name/*/rev  ordinal
/by_name/*/maybe  optional
/by_name/*/maybe/*  int64
/by_name/*/title  patch
/by_name/*/title/*  text
/by_name/*/places  array
/by_name/*/places/*  struct
/by_name/*/places/*/row  int32
/by_name/*/places/*/note  optional
/by_name/*/places/*/note/*  text
/by_name/*/places/*/within  array
/by_name/*/places/*/within/*  struct, as above
/by_name/*/bits  array of bool
/by_name/*/three  array of 3
/by_name/*/three/*  int16
/by_name/*/both  tuple
/by_name/*/both/0  int32
/by_name/*/both/1  text
/by_name/*/words  set
/by_name/*/words/*  text
/by_name/*/by_number  map by int64
)"));
    CHECK(words.ends_with("/last/*/within/*  struct, as above\n/count  uint64\n"));
}
