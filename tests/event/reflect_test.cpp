// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>
#include <everfold/event/reflect.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

struct nothing {};

struct tree {
    int value{};
    std::vector<tree> children{};
};

template <class T>
struct box {
    T content{};
};

struct of_all_kinds {
    static constexpr std::string_view event_type = "of_all_kinds";
    using events = everfold::events<>;
    int number = 7;
    std::optional<int> maybe{};
    std::optional<std::string> maybe_text{};
    std::vector<tree> trees{};
    std::map<int, tree> by_number{};
    std::unordered_map<std::string, int> by_name{};
    std::array<int, 3> three{};
    std::chrono::milliseconds pause{};
    std::unique_ptr<int> owned{};
    std::variant<int, double> either{};
    everfold::patch<std::string> change{};
    everfold::patch<int> number_change{};
    everfold::unknown_fields rest{};
    box<box<int>> nested{};
    std::vector<std::optional<int>> gaps{};
    static constexpr auto event_tags = everfold::tagged("number", &of_all_kinds::number);

    void apply(int) {}
};

struct busy {
    static constexpr int constant = 1;
    using number = int;
    number only{};

    [[nodiscard]] number twice() const { return 2 * only * constant; }
};

struct forty {
    int a0{}, a1{}, a2{}, a3{}, a4{}, a5{}, a6{}, a7{}, a8{}, a9{};
    int b0{}, b1{}, b2{}, b3{}, b4{}, b5{}, b6{}, b7{}, b8{}, b9{};
    int c0{}, c1{}, c2{}, c3{}, c4{}, c5{}, c6{}, c7{}, c8{}, c9{};
    int d0{}, d1{}, d2{}, d3{}, d4{}, d5{}, d6{}, d7{}, d8{}, d9{};
};

class hidden {
public:
    hidden() = default;
    hidden(int first, std::string second)
        : first_{first}
        , second_{std::move(second)} {}

    friend bool operator==(const hidden&, const hidden&) = default;

private:
    friend struct everfold::describe<hidden>;

    int first_{};
    std::string second_{};
};

class self_described {
public:
    static constexpr auto fields() {
        return std::tuple{everfold::field("balance", &self_described::balance_)};
    }

private:
    std::int64_t balance_{3};
};

struct base {
    int inherited{};
};

struct derived : base {
    int samples[3]{}; // NOLINT(modernize-avoid-c-arrays): what describe is for
};

template <class T>
std::string names() {
    std::string all;
    for (const auto name : everfold::field_names<T>())
        all.append(all.empty() ? "" : " ").append(name);
    return all;
}

} // namespace

template <>
struct everfold::describe<hidden> {
    static constexpr auto fields = std::tuple{
        everfold::field("one", &hidden::first_), everfold::field("two", &hidden::second_)};
};

template <>
struct everfold::describe<self_described> {
    static constexpr auto fields = self_described::fields();
};

template <>
struct everfold::describe<derived> {
    static constexpr auto fields = std::tuple{
        everfold::field("inherited", &derived::inherited),
        everfold::field("samples", &derived::samples)};
};

static_assert(everfold::event<of_all_kinds>);
static_assert(
    of_all_kinds::event_tags.key == "number" && of_all_kinds::event_type == "of_all_kinds"
);

TEST_CASE("fields have the names of the members, whatever their types") {
    CHECK(
        names<of_all_kinds>() ==
        "number maybe maybe_text trees by_number by_name three pause owned either change "
        "number_change rest nested gaps"
    );
    CHECK(everfold::field_count<of_all_kinds>() == 15);
}

TEST_CASE("static members, type names and functions are no fields") {
    CHECK(names<busy>() == "only");
    CHECK(busy{4}.twice() == 8);
}

TEST_CASE("a struct may be empty, local, a template, recursive or have forty fields") {
    struct local {
        int x{};
        std::string größe{};
    };
    CHECK(everfold::field_count<nothing>() == 0);
    CHECK(names<local>() == "x größe");
    CHECK(names<box<local>>() == "content");
    CHECK(names<tree>() == "value children");
    CHECK(everfold::field_count<forty>() == 40);
    CHECK(everfold::field_names<forty>()[0] == "a0");
    CHECK(everfold::field_names<forty>()[39] == "d9");
}

TEST_CASE("for_each_field reaches the members themselves, in order") {
    of_all_kinds object{};
    everfold::for_each_field(object, [](std::string_view name, auto& member) {
        if constexpr (std::is_same_v<decltype(member), int&>) {
            CHECK(name == "number");
            member = 42;
        }
    });
    CHECK(object.number == 42);

    std::string seen;
    const auto constant = forty{};
    everfold::for_each_field(constant, [&](std::string_view name, const int&) { seen += name; });
    CHECK(seen.starts_with("a0a1a2"));
    CHECK(seen.ends_with("d8d9"));
}

TEST_CASE("describe reaches private members, base classes and arrays") {
    CHECK(names<hidden>() == "one two");
    CHECK(names<self_described>() == "balance");
    CHECK(names<derived>() == "inherited samples");

    everfold::byte_buffer bytes;
    everfold::encode(hidden{5, "five"}, bytes);
    CHECK(everfold::json_text_from_cbor(bytes) == R"({"one":5,"two":"five"})");
    CHECK(everfold::decode_as<hidden>(bytes) == hidden{5, "five"});

    derived object{};
    object.inherited = 9;
    object.samples[1] = 1;
    bytes.clear();
    everfold::encode(object, bytes);
    CHECK(everfold::json_text_from_cbor(bytes) == R"({"inherited":9,"samples":[0,1,0]})");
    CHECK(everfold::decode_as<derived>(bytes).samples[1] == 1);
}
