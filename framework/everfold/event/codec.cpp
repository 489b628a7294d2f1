// SPDX-License-Identifier: MIT
#include <everfold/event/codec.hpp>

#include <algorithm>

namespace everfold::detail {

namespace {

constexpr std::int64_t seconds_a_day = 86'400;
constexpr std::int64_t year_0 = -62'167'219'200;
constexpr std::int64_t year_10000 = 253'402'300'800;

/// Writes digits from a place on; the caller has made sure that there is room.
class digit_writer {
public:
    explicit digit_writer(char* to)
        : begin_{to}
        , to_{to} {}

    digit_writer& put(char c) {
        *to_++ = c;
        return *this;
    }

    digit_writer& put(std::uint64_t number, int width) {
        for (int i = width; i-- > 0; number /= 10)
            to_[i] = static_cast<char>('0' + number % 10);
        to_ += width;
        return *this;
    }

    digit_writer& put(std::uint64_t number) {
        to_ = std::to_chars(to_, to_ + 20, number).ptr;
        return *this;
    }

    [[nodiscard]] std::string_view written() const {
        return {begin_, static_cast<std::size_t>(to_ - begin_)};
    }

private:
    char* begin_;
    char* to_;
};

std::string_view text_in_calendar(timestamp time, text_room& room) {
    const auto days = time.seconds() / seconds_a_day - (time.seconds() % seconds_a_day < 0 ? 1 : 0);
    const auto second = static_cast<std::uint64_t>(time.seconds() - days * seconds_a_day);
    const auto date = std::chrono::year_month_day{
        std::chrono::sys_days{std::chrono::days{static_cast<int>(days)}}};
    digit_writer out{room.data()};
    out.put(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4).put('-');
    out.put(static_cast<unsigned>(date.month()), 2).put('-');
    out.put(static_cast<unsigned>(date.day()), 2).put('T');
    out.put(second / 3600, 2).put(':').put(second / 60 % 60, 2).put(':').put(second % 60, 2);
    const auto ns = time.nanoseconds();
    out.put('.');
    if (ns % 1'000'000 == 0)
        out.put(ns / 1'000'000, 3);
    else if (ns % 1'000 == 0)
        out.put(ns / 1'000, 6);
    else
        out.put(ns, 9);
    return out.put('Z').written();
}

std::string_view text_in_milliseconds(timestamp time, text_room& room) {
    // Seconds point down from the next whole one, the text counts away from 1970.
    auto ns = time.nanoseconds();
    auto seconds = static_cast<std::uint64_t>(time.seconds());
    const bool is_negative = time.seconds() < 0;
    if (is_negative) {
        seconds = ns == 0 ? ~seconds + 1 : ~seconds;
        ns = ns == 0 ? 0 : 1'000'000'000 - ns;
    }
    digit_writer out{room.data()};
    out.put('@');
    if (is_negative)
        out.put('-');
    out.put(seconds).put(ns / 1'000'000, 3); // far from 1970, so that no zero leads
    if (ns % 1'000'000 != 0)
        out.put('.').put(ns % 1'000'000, 6);
    return out.written();
}

/// `@`, milliseconds and a fraction of exactly six digits, as text_in_milliseconds writes them.
std::optional<timestamp> time_from_fine_milliseconds(std::string_view text) {
    text.remove_prefix(1);
    const bool is_negative = text.starts_with('-');
    if (is_negative)
        text.remove_prefix(1);
    const auto point = text.find('.');
    const auto whole = text.substr(0, point);
    const auto fraction = point == text.npos ? std::string_view{"000000"} : text.substr(point + 1);
    const auto is_digits = [](std::string_view digits) {
        return std::all_of(digits.begin(), digits.end(), [](char c) {
            return c >= '0' && c <= '9';
        });
    };
    constexpr std::size_t digits_max = 19 + 3; // more would not fit in 64 bits of seconds
    if (whole.size() < 4 || whole.size() > digits_max || whole.front() == '0' ||
        fraction.size() != 6 || !is_digits(whole) || !is_digits(fraction))
        return {};
    const auto number = [](std::string_view digits) {
        std::uint64_t value = 0;
        for (const char c : digits)
            value = value * 10 + static_cast<std::uint64_t>(c - '0');
        return value;
    };
    constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto seconds = number(whole.substr(0, whole.size() - 3));
    const auto ns = static_cast<std::uint32_t>(
        number(whole.substr(whole.size() - 3)) * 1'000'000 + number(fraction)
    );
    if (seconds > limit + (is_negative && ns == 0 ? 1U : 0U))
        return {};
    if (!is_negative)
        return timestamp{static_cast<std::int64_t>(seconds), ns};
    if (ns == 0)
        return timestamp{static_cast<std::int64_t>(~seconds + 1), 0};
    return timestamp{static_cast<std::int64_t>(~seconds), 1'000'000'000 - ns};
}

constexpr std::array<std::size_t, 4> dashes_before{4, 6, 8, 10};

int value_of_hex(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

} // namespace

std::string_view text_of(timestamp time, text_room& room) noexcept {
    if (time.seconds() < year_0 || time.seconds() >= year_10000)
        return text_in_milliseconds(time, room);
    return text_in_calendar(time, room);
}

std::optional<timestamp> time_from(std::string_view text) {
    if (const auto time = timestamp::parse(text))
        return time;
    return text.starts_with('@') ? time_from_fine_milliseconds(text) : std::nullopt;
}

std::string_view text_of(const uuid& id, text_room& room) noexcept {
    constexpr std::string_view digits = "0123456789abcdef";
    std::size_t to = 0;
    for (std::size_t i = 0; i < id.octets.size(); ++i) {
        if (std::find(dashes_before.begin(), dashes_before.end(), i) != dashes_before.end())
            room[to++] = '-';
        const auto octet = std::to_integer<std::size_t>(id.octets[i]);
        room[to++] = digits[octet >> 4U];
        room[to++] = digits[octet & 0xFU];
    }
    return {room.data(), to};
}

bool append_from_hex(std::string_view text, byte_buffer& out) {
    if (!text.starts_with("0x") || text.size() % 2 != 0)
        return false;
    text.remove_prefix(2);
    for (; !text.empty(); text.remove_prefix(2)) {
        const int high = value_of_hex(text[0]);
        const int low = value_of_hex(text[1]);
        if (high < 0 || low < 0)
            return false;
        out.push_back(static_cast<std::byte>(high * 16 + low));
    }
    return true;
}

timestamp read_time(cbor_reader& in) {
    const auto at = in.at();
    const auto text = in.read_text();
    if (const auto time = time_from(text))
        return *time;
    in.fail_at(at, "\"" + printable(text.substr(0, 40)) + "\" is not a time");
}

uuid read_uuid(cbor_reader& in) {
    const auto at = in.at();
    const auto text = in.read_text();
    if (const auto id = uuid::parse(text))
        return *id;
    in.fail_at(at, "\"" + printable(text.substr(0, 40)) + "\" is not a uuid");
}

void read_byte_string(cbor_reader& in, byte_buffer& into) {
    into.clear();
    const auto at = in.at();
    if (in.peek() != cbor_kind::text) {
        append_bytes(into, in.read_bytes());
        return;
    }
    if (!append_from_hex(in.read_text(), into))
        in.fail_at(at, "expected bytes, found text that is not 0x and hexadecimal digits");
}

void write_unknown_fields(
    cbor_writer& out,
    const unknown_fields& fields,
    std::span<const std::string_view> known,
    std::size_t own
) {
    const auto is_taken = [&](std::string_view name) {
        for (std::size_t i = 0; i < known.size(); ++i)
            if (i != own && known[i] == name)
                return true;
        return false;
    };
    for (const auto& each : fields) {
        if (is_taken(each.name))
            throw encoding_error{
                out.size(),
                "the unknown field \"" + printable(each.name) +
                    "\" has the name of a field of the struct"};
        out.write_text(each.name);
        // What was read at one depth may now stand deeper. Nesting takes a byte a level, so that
        // short values can't be too deep.
        if (each.value.size() + out.depth() > cbor_depth_max)
            validate_item(each.value, out.depth());
        out.write_encoded(each.value);
    }
}

void fail_count(const cbor_reader& in, std::size_t at, std::size_t wanted, std::size_t found) {
    in.fail_at(
        at,
        "expected an array of " + std::to_string(wanted) + ", found one of " + std::to_string(found)
    );
}

void fail_name(const cbor_reader& in, std::size_t at, std::string_view name) {
    in.fail_at(
        at,
        "\"" + printable(name.substr(0, 40)) + "\" is not the name of a value of this enumeration"
    );
}

void fail_twice(const cbor_reader& in, std::size_t at, std::string_view name) {
    in.fail_at(at, "the field \"" + printable(name) + "\" comes twice");
}

} // namespace everfold::detail
