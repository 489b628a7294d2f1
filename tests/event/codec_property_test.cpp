// SPDX-License-Identifier: MIT
// Random values of a struct with every kind of field: the typed encoder against the dynamic one,
// against nlohmann_json's own reader, and against every truncation and every flipped bit.
#include <everfold/json.hpp>

#include <doctest/doctest.h>
#include <support/sanitized.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace {

using json = nlohmann::ordered_json;
using random_engine = std::mt19937_64;

enum class colour : std::uint8_t { red, green, blue };

struct part {
    std::string label{};
    std::optional<double> weight{};
    std::vector<part> parts{};

    friend bool operator==(const part&, const part&) = default;
};

struct sample {
    bool flag{};
    std::int8_t tiny{};
    std::uint64_t large{};
    std::int64_t number{};
    float narrow{};
    double wide{};
    std::string text{};
    everfold::byte_buffer bytes{};
    std::optional<std::string> maybe{};
    everfold::patch<int> change{};
    everfold::patch<std::string> rename{};
    colour shade{};
    everfold::uuid id{};
    everfold::timestamp at{};
    std::chrono::sys_time<std::chrono::milliseconds> when{};
    std::chrono::microseconds pause{};
    everfold::revision where{};
    std::vector<part> parts{};
    std::vector<bool> bits{};
    std::array<std::int32_t, 2> two{};
    std::set<std::string> words{};
    std::unordered_set<int> numbers{};
    std::map<int, std::string> by_number{};
    std::unordered_map<std::string, std::vector<int>> by_name{};
    std::pair<int, bool> both{};
    json anything{};
    everfold::unknown_fields rest{};

    friend bool operator==(const sample&, const sample&) = default;
};

/// Draws values; small sizes and the borders of ranges come often.
class generator {
public:
    explicit generator(std::uint64_t seed)
        : engine_{seed} {}

    std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }

    bool coin() { return below(2) == 0; }

    template <class T>
    T integer() {
        switch (below(4)) {
        case 0:
            return static_cast<T>(below(50));
        case 1:
            return std::numeric_limits<T>::max();
        case 2:
            return std::numeric_limits<T>::min();
        default:
            return static_cast<T>(engine_());
        }
    }

    double floating() {
        switch (below(4)) {
        case 0:
            return static_cast<double>(below(100));
        case 1:
            return static_cast<double>(integer<std::int64_t>()) / 1024;
        case 2:
            return -0.0;
        default:
            return std::ldexp(
                static_cast<double>(engine_()) + 0.5, static_cast<int>(below(1800)) - 900
            );
        }
    }

    std::string text() {
        static constexpr std::array<std::string_view, 8> pieces{
            "a", "Z", "ü", "€", "😀", "\"", "\n", std::string_view{"\0", 1}};
        std::string out;
        for (auto n = below(coin() ? 4 : 40); n != 0; --n)
            out += pieces[below(pieces.size())];
        return out;
    }

    everfold::byte_buffer bytes() {
        everfold::byte_buffer out(below(30));
        for (auto& b : out)
            b = static_cast<std::byte>(engine_() & 0xFFU);
        return out;
    }

    everfold::timestamp time() {
        const auto far = static_cast<std::int64_t>(engine_());
        const auto near = static_cast<std::int64_t>(below(4'000'000'000)) - 1'000'000'000;
        const std::uint32_t fraction[] = {0, 250'000'000, 1'000, 999'999'999};
        return {coin() ? near : far, fraction[below(4)]};
    }

    part a_part(int depth) {
        part p{text(), {}, {}};
        if (coin())
            p.weight = floating();
        if (depth < 4)
            for (auto n = below(3); n != 0; --n)
                p.parts.push_back(a_part(depth + 1));
        return p;
    }

    json any(int depth) {
        switch (below(depth < 3 ? 8 : 6)) {
        case 0:
            return nullptr;
        case 1:
            return coin();
        case 2:
            return integer<std::int64_t>();
        case 3:
            return floating();
        case 4:
            return text();
        case 5:
            return integer<std::uint64_t>();
        case 6: {
            json array = json::array();
            for (auto n = below(12); n != 0; --n)
                array.push_back(any(depth + 1));
            return array;
        }
        default: {
            json object = json::object();
            for (auto n = below(12); n != 0; --n)
                object[text()] = any(depth + 1);
            return object;
        }
        }
    }

private:
    random_engine engine_;
};

sample draw(generator& g) {
    sample s{};
    s.flag = g.coin();
    s.tiny = g.integer<std::int8_t>();
    s.large = g.integer<std::uint64_t>();
    s.number = g.integer<std::int64_t>();
    s.narrow = static_cast<float>(g.integer<std::int32_t>()) / 3;
    s.wide = g.floating();
    s.text = g.text();
    s.bytes = g.bytes();
    if (g.coin())
        s.maybe = g.text();
    if (g.coin())
        s.change = g.integer<int>();
    if (g.coin())
        s.rename = nullptr;
    s.shade = static_cast<colour>(g.below(3));
    for (auto& octet : s.id.octets)
        octet = static_cast<std::byte>(g.below(256));
    s.at = g.time();
    s.when = decltype(s.when){std::chrono::milliseconds{g.integer<std::int64_t>()}};
    s.pause = std::chrono::microseconds{g.integer<std::int64_t>()};
    s.where = everfold::revision{g.integer<std::uint64_t>()};
    for (auto n = g.below(3); n != 0; --n)
        s.parts.push_back(g.a_part(0));
    for (auto n = g.below(20); n != 0; --n)
        s.bits.push_back(g.coin());
    s.two = {g.integer<std::int32_t>(), g.integer<std::int32_t>()};
    for (auto n = g.below(5); n != 0; --n) {
        s.words.insert(g.text());
        s.numbers.insert(g.integer<int>());
        s.by_number[g.integer<int>()] = g.text();
        s.by_name[g.text()].push_back(g.integer<int>());
    }
    s.both = {g.integer<int>(), g.coin()};
    s.anything = g.any(0);
    for (auto n = g.below(4); n != 0; --n) {
        everfold::byte_buffer value;
        everfold::cbor_from_json(g.any(0), value);
        s.rest.set("x" + g.text(), value);
    }
    return s;
}

json expected(const part& p) {
    json j{{"label", p.label}, {"weight", nullptr}, {"parts", json::array()}};
    if (p.weight)
        j["weight"] = *p.weight;
    for (const auto& each : p.parts)
        j["parts"].push_back(expected(each));
    return j;
}

std::string text_of(everfold::timestamp t) {
    everfold::detail::text_room room{};
    return std::string{everfold::detail::text_of(t, room)};
}

/// The JSON of a sample, written by hand against the table of docs/event_encoding.md.
json expected(const sample& s) {
    json j;
    j["flag"] = s.flag;
    j["tiny"] = s.tiny;
    j["large"] = s.large;
    j["number"] = s.number;
    j["narrow"] = s.narrow;
    j["wide"] = s.wide;
    j["text"] = s.text;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(s.bytes.data());
    j["bytes"] = json::binary({bytes, bytes + s.bytes.size()});
    j["maybe"] = s.maybe ? json(*s.maybe) : json(nullptr);
    if (s.change.has_value())
        j["change"] = *s.change;
    if (s.rename.is_null())
        j["rename"] = nullptr;
    j["shade"] = static_cast<int>(s.shade);
    j["id"] = s.id.to_string();
    j["at"] = text_of(s.at);
    j["when"] = everfold::timestamp{s.when}.to_string();
    j["pause"] = s.pause.count();
    j["where"] = s.where.value();
    j["parts"] = json::array();
    for (const auto& each : s.parts)
        j["parts"].push_back(expected(each));
    j["bits"] = json::array();
    for (const bool bit : s.bits)
        j["bits"].push_back(bit);
    j["two"] = {s.two[0], s.two[1]};
    j["words"] = json::array();
    for (const auto& word : s.words)
        j["words"].push_back(word);
    j["numbers"] = json::array();
    for (const int number : std::set<int>(s.numbers.begin(), s.numbers.end()))
        j["numbers"].push_back(number);
    j["by_number"] = json::object();
    for (const auto& [key, value] : s.by_number)
        j["by_number"][std::to_string(key)] = value;
    j["by_name"] = json::object();
    for (const auto& [key, value] : std::map(s.by_name.begin(), s.by_name.end()))
        j["by_name"][key] = value;
    j["both"] = {s.both.first, s.both.second};
    j["anything"] = s.anything;
    for (const auto& each : s.rest)
        j[each.name] = everfold::json_from_cbor(each.value);
    return j;
}

everfold::byte_buffer encoded(const auto& value) {
    everfold::byte_buffer bytes;
    everfold::encode(value, bytes);
    return bytes;
}

/// Whether reading ends in a value or in an encoding_error; anything else fails the test by itself.
template <class Read>
bool is_read(const Read& read) {
    try {
        read();
        return true;
    } catch (const everfold::encoding_error&) {
        return false;
    }
}

/// Reads bytes in all ways and checks that these agree with each other.
void read_in_every_way(everfold::bytes_view bytes, sample& reused) {
    const bool is_valid = is_read([&] { everfold::validate(bytes); });
    const bool is_sample = is_read([&] { everfold::decode(bytes, reused); });
    CHECK((is_valid || !is_sample)); // what the typed reader takes is well formed
    std::string text;
    const bool is_json = is_read([&] {
        const auto value = everfold::json_from_cbor(bytes);
        text = everfold::json_text_from_cbor(bytes);
        everfold::byte_buffer again;
        everfold::cbor_from_json(value, again);
        everfold::validate_item(again);
    });
    CHECK((is_json || !is_valid));
    if (is_valid)
        CHECK(nlohmann::json::accept(text));
    if (is_sample)
        CHECK(everfold::decode_as<sample>(encoded(reused)) == reused);
}

} // namespace

TEST_CASE("typed and dynamic encoders write the same bytes, and every reader gives the value back"
) {
    sample reused{};
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        CAPTURE(seed);
        generator g{seed};
        const auto value = draw(g);
        const auto bytes = encoded(value);
        const auto json_value = expected(value);

        everfold::byte_buffer dynamic;
        everfold::cbor_from_json(json_value, dynamic);
        REQUIRE(everfold::to_hex(dynamic) == everfold::to_hex(bytes));
        REQUIRE_NOTHROW(everfold::validate(bytes));
        REQUIRE(everfold::json_from_cbor(bytes) == json_value);
        REQUIRE(nlohmann::json::from_cbor(bytes) == nlohmann::json(json_value));
        REQUIRE(everfold::decode_as<sample>(bytes) == value);
        everfold::decode(bytes, reused);
        REQUIRE(reused == value);

        auto shown = json_value;
        shown["bytes"] = "0x" + everfold::to_hex(value.bytes);
        REQUIRE(everfold::parse_json(everfold::json_text_from_cbor(bytes)) == shown);
        REQUIRE(everfold::value_from_json<sample>(shown) == value);
    }
}

TEST_CASE("fields in any order give the same value") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        generator g{seed};
        auto value = draw(g);
        value.rest.clear();
        const auto in_order = expected(value);
        std::vector<std::string> names;
        for (const auto& [name, member] : in_order.items())
            names.push_back(name);
        random_engine engine{seed};
        std::shuffle(names.begin(), names.end(), engine);
        json shuffled = json::object();
        for (const auto& name : names)
            shuffled[name] = in_order[name];
        REQUIRE(everfold::value_from_json<sample>(shuffled) == value);
    }
}

TEST_CASE("every truncation is an error") {
    std::size_t tried = 0;
    for (std::uint64_t seed = 1; seed <= 40; seed += everfold::testing::one_in(7)) {
        CAPTURE(seed);
        generator g{seed};
        const auto bytes = encoded(draw(g));
        sample reused{};
        for (std::size_t size = 0; size < bytes.size(); ++size, ++tried) {
            CAPTURE(size);
            // A copy of exactly that size, so that a sanitizer sees a read beyond it.
            const everfold::byte_buffer cut(
                bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)
            );
            REQUIRE_FALSE(is_read([&] { everfold::decode(cut, reused); }));
            REQUIRE_FALSE(is_read([&] { everfold::validate(cut); }));
            REQUIRE_FALSE(is_read([&] { static_cast<void>(everfold::json_from_cbor(cut)); }));
            REQUIRE_FALSE(is_read([&] { static_cast<void>(everfold::json_text_from_cbor(cut)); }));
        }
        auto longer = bytes;
        longer.push_back(std::byte{0xF6});
        REQUIRE_FALSE(is_read([&] { everfold::decode(longer, reused); }));
        REQUIRE_FALSE(is_read([&] { everfold::validate(longer); }));
    }
    MESSAGE(tried << " truncations tried");
}

TEST_CASE("every flipped bit is an error or a value, and the readers agree which") {
    std::size_t tried = 0;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        CAPTURE(seed);
        generator g{seed};
        auto bytes = encoded(draw(g));
        sample reused{};
        for (std::size_t bit = 0; bit < bytes.size() * 8;
             bit += everfold::testing::one_in(9), ++tried) {
            CAPTURE(bit);
            const auto mask = std::byte{1} << (bit % 8);
            bytes[bit / 8] ^= mask;
            read_in_every_way(bytes, reused);
            bytes[bit / 8] ^= mask;
        }
    }
    MESSAGE(tried << " bits flipped");
}

TEST_CASE("random bytes are an error or a value") {
    random_engine engine{7};
    sample reused{};
    for (int i = 0; i < 10'000; ++i) {
        CAPTURE(i);
        everfold::byte_buffer bytes(engine() % 40);
        for (auto& b : bytes)
            b = static_cast<std::byte>(engine() & 0xFFU);
        if (!bytes.empty())
            bytes[0] = static_cast<std::byte>(0xA0U | (engine() % 4));
        read_in_every_way(bytes, reused);
    }
}

TEST_CASE("random JSON text is an error or a value that comes back") {
    static constexpr std::string_view pieces = "{}[]\",:01-.eE\\u tfn\xC3\xBC";
    random_engine engine{11};
    for (int i = 0; i < 10'000; ++i) {
        CAPTURE(i);
        std::string text;
        for (auto n = engine() % 24; n != 0; --n)
            text += pieces[engine() % pieces.size()];
        json value;
        if (!is_read([&] { value = everfold::parse_json(text); }))
            continue;
        everfold::byte_buffer bytes;
        everfold::cbor_from_json(value, bytes);
        CHECK(everfold::parse_json(everfold::json_text_from_cbor(bytes)) == value);
    }
}
