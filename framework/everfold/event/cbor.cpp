// SPDX-License-Identifier: MIT
#include <everfold/event/cbor.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <vector>

namespace everfold {

namespace {

constexpr std::uint32_t canonical_nan = 0x7FC0'0000U;

template <class T>
T load_big_endian(const unsigned char* from) noexcept {
    T value{};
    for (std::size_t i = 0; i < sizeof(T); ++i)
        value = static_cast<T>((static_cast<std::uint64_t>(value) << 8U) | from[i]);
    return value;
}

template <class T>
void store_big_endian(unsigned char* to, T value) noexcept {
    for (std::size_t i = 0; i < sizeof(T); ++i)
        to[i] = static_cast<unsigned char>((value >> (8U * (sizeof(T) - 1 - i))) & 0xFFU);
}

/// The double that is exactly this number, if there is one.
std::optional<double> exact_double(std::uint64_t number) noexcept {
    constexpr double two_to_64 = 18446744073709551616.0;
    const auto value = static_cast<double>(number);
    if (value >= two_to_64 || static_cast<std::uint64_t>(value) != number)
        return {};
    return value;
}

/// Of a repeated key the second place, if there is one.
std::optional<std::string_view> repeated(std::vector<std::string_view>& keys) {
    const auto lies_before = [](std::string_view a, std::string_view b) {
        return a == b ? a.data() < b.data() : a < b;
    };
    std::sort(keys.begin(), keys.end(), lies_before);
    const auto twin = std::adjacent_find(keys.begin(), keys.end());
    if (twin == keys.end())
        return {};
    return *std::next(twin);
}

} // namespace

std::string_view to_text(cbor_kind kind) noexcept {
    switch (kind) {
    case cbor_kind::unsigned_integer:
        return "an integer";
    case cbor_kind::negative_integer:
        return "a negative integer";
    case cbor_kind::bytes:
        return "bytes";
    case cbor_kind::text:
        return "text";
    case cbor_kind::array:
        return "an array";
    case cbor_kind::map:
        return "a map";
    case cbor_kind::boolean:
        return "true or false";
    case cbor_kind::null:
        return "null";
    case cbor_kind::floating:
        return "a floating number";
    }
    return "nothing known";
}

void cbor_writer::write_floating(double value) {
    std::array<unsigned char, 9> bytes{};
    const bool is_nan = std::isnan(value);
    const auto is_narrow = [&] {
        if (is_nan || std::isinf(value))
            return true;
        return std::fabs(value) <= static_cast<double>(std::numeric_limits<float>::max()) &&
               static_cast<double>(static_cast<float>(value)) == value;
    };
    if (is_narrow()) {
        bytes[0] = 0xFA;
        const auto bits =
            is_nan ? canonical_nan : std::bit_cast<std::uint32_t>(static_cast<float>(value));
        store_big_endian(bytes.data() + 1, bits);
        put(bytes.data(), 5);
    } else {
        bytes[0] = 0xFB;
        store_big_endian(bytes.data() + 1, std::bit_cast<std::uint64_t>(value));
        put(bytes.data(), 9);
    }
}

void cbor_writer::grow(std::size_t more) {
    // Twice what this writer has written, so that clearing new bytes stays in proportion; never
    // less than the capacity would double to, so that a batch of many events does not copy again
    // and again.
    const auto wanted = at_ + more + std::max<std::size_t>(64, size());
    if (wanted > out_->capacity())
        out_->reserve(std::max(wanted, out_->capacity() * 2));
    out_->resize(wanted);
}

void cbor_writer::fail_depth() const {
    throw encoding_error{size(), "more than 64 levels of arrays and maps"};
}

void cbor_writer::fail_text(std::string_view text) const {
    constexpr std::size_t shown = 40;
    throw encoding_error{
        size(), "the text \"" + printable(text.substr(0, shown)) + "\" is not UTF-8"};
}

cbor_kind cbor_reader::peek() const {
    if (at_ == end_)
        fail("the bytes end in the middle");
    switch (*at_ >> 5U) {
    case 0:
        return cbor_kind::unsigned_integer;
    case 1:
        return cbor_kind::negative_integer;
    case 2:
        return cbor_kind::bytes;
    case 3:
        return cbor_kind::text;
    case 4:
        return cbor_kind::array;
    case 5:
        return cbor_kind::map;
    case 6:
        fail("tags are not part of the event encoding");
    default:
        break;
    }
    switch (*at_) {
    case 0xF4:
    case 0xF5:
        return cbor_kind::boolean;
    case 0xF6:
        return cbor_kind::null;
    case 0xFA:
    case 0xFB:
        return cbor_kind::floating;
    case 0xF9:
        fail("floating numbers of 2 bytes are not part of the event encoding");
    default:
        fail("an item that is not part of the event encoding");
    }
}

std::uint64_t cbor_reader::read_long_argument() {
    const unsigned info = *at_ & 0x1FU;
    if (info == 31)
        fail("lengths must be definite");
    if (info > 27)
        fail("an item that is not part of the event encoding");
    const std::size_t width = std::size_t{1} << (info - 24U);
    if (remaining() < 1 + width)
        fail("the bytes end in the middle");
    const auto* digits = at_ + 1;
    std::uint64_t value{};
    std::uint64_t smallest{};
    switch (info) {
    case 24:
        value = *digits;
        smallest = 24;
        break;
    case 25:
        value = load_big_endian<std::uint16_t>(digits);
        smallest = 0x100;
        break;
    case 26:
        value = load_big_endian<std::uint32_t>(digits);
        smallest = 0x1'0000;
        break;
    default:
        value = load_big_endian<std::uint64_t>(digits);
        smallest = 0x1'0000'0000;
        break;
    }
    if (value < smallest)
        fail("a number or length that is not in its shortest form");
    at_ += 1 + width;
    return value;
}

double cbor_reader::read_floating() {
    const auto* start = at_;
    switch (peek()) {
    case cbor_kind::floating: {
        const std::size_t width = *at_ == 0xFA ? 4 : 8;
        if (remaining() < 1 + width)
            fail("the bytes end in the middle");
        const auto* digits = at_ + 1;
        at_ += 1 + width;
        const double value =
            width == 4
                ? static_cast<double>(std::bit_cast<float>(load_big_endian<std::uint32_t>(digits)))
                : std::bit_cast<double>(load_big_endian<std::uint64_t>(digits));
        return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
    }
    case cbor_kind::unsigned_integer:
    case cbor_kind::negative_integer: {
        const auto number = read_wide_integer();
        // -1 - m for m up to 2^63 - 1 is minus (m + 1), which does not wrap.
        const auto value =
            exact_double(number.is_negative ? number.magnitude + 1 : number.magnitude);
        if (!value)
            fail_at(offset_of(start), "the integer is not exactly a floating number");
        return number.is_negative ? -*value : *value;
    }
    default:
        fail_kind("a number");
    }
}

bytes_view cbor_reader::skip() {
    const auto* start = at_;
    skip_item();
    return {reinterpret_cast<const std::byte*>(start), static_cast<std::size_t>(at_ - start)};
}

void cbor_reader::skip_item() {
    switch (peek()) {
    case cbor_kind::unsigned_integer:
    case cbor_kind::negative_integer:
        read_wide_integer();
        break;
    case cbor_kind::bytes:
        read_bytes();
        break;
    case cbor_kind::text:
        read_text();
        break;
    case cbor_kind::boolean:
    case cbor_kind::null:
        ++at_;
        break;
    case cbor_kind::floating:
        read_floating();
        break;
    case cbor_kind::array: {
        const auto count = begin_array();
        for (std::size_t i = 0; i < count; ++i)
            skip_item();
        end();
        break;
    }
    case cbor_kind::map:
        skip_map();
        break;
    }
}

void cbor_reader::skip_map() {
    // Most maps have few keys: these are compared one by one, without a list on the heap.
    std::array<std::string_view, 8> few{};
    std::vector<std::string_view> many{};
    const auto count = begin_map();
    const bool is_small = count <= few.size();
    for (std::size_t i = 0; i < count; ++i) {
        const auto key_at = at();
        const auto key = read_text();
        if (is_small) {
            const auto seen_end = std::next(few.begin(), static_cast<std::ptrdiff_t>(i));
            if (std::find(few.begin(), seen_end, key) != seen_end)
                fail_at(key_at, "the field \"" + printable(key) + "\" comes twice");
            few[i] = key;
        } else {
            many.push_back(key);
        }
        skip_item();
    }
    end();
    if (is_small)
        return;
    if (const auto twice = repeated(many))
        fail_at(
            static_cast<std::size_t>(
                reinterpret_cast<const unsigned char*>(twice->data()) - begin_
            ),
            "the field \"" + printable(*twice) + "\" comes twice"
        );
}

void cbor_reader::fail(std::string_view what) const {
    fail_at(at(), what);
}

void cbor_reader::fail_at(std::size_t offset, std::string_view what) const {
    throw encoding_error{offset, std::string{what}};
}

void cbor_reader::fail_kind(std::string_view wanted) const {
    fail("expected " + std::string{wanted} + ", found " + std::string{to_text(peek())});
}

void cbor_reader::fail_range(const unsigned char* start, std::size_t bits, bool is_signed) const {
    fail_at(
        offset_of(start),
        "the integer does not fit in " + std::to_string(bits) + " bits" +
            (is_signed ? "" : " without a sign")
    );
}

namespace {

/// Finds the names that lead to an offset, for a message about bytes that were wrong there. All
/// before that offset was read once already; whatever can't be read again ends the search.
class path_finder {
public:
    path_finder(bytes_view payload, std::size_t target)
        : reader_{payload}
        , target_{target} {}

    [[nodiscard]] std::string find() {
        try {
            walk();
        } catch (const encoding_error&) { // NOLINT(bugprone-empty-catch): the path is what was
                                          // found
        }
        return std::move(path_);
    }

private:
    /// Whether the target lies in the item that begins here.
    bool walk() {
        if (reader_.at() >= target_)
            return true;
        switch (reader_.peek()) {
        case cbor_kind::array:
            return walk_children(reader_.begin_cut_off(), false);
        case cbor_kind::map:
            return walk_children(reader_.begin_cut_off(), true);
        default:
            reader_.skip();
            return reader_.at() > target_;
        }
    }

    bool walk_children(std::size_t count, bool is_map) {
        const auto length = path_.size();
        for (std::size_t i = 0; i < count; ++i) {
            if (is_map) {
                if (reader_.at() >= target_)
                    return true;
                constexpr std::size_t shown = 64;
                path_ += '.' + printable(reader_.read_text().substr(0, shown));
            } else {
                path_ += '[' + std::to_string(i) + ']';
            }
            if (walk())
                return true;
            path_.resize(length);
        }
        reader_.end();
        return false;
    }

    cbor_reader reader_;
    std::size_t target_;
    std::string path_{};
};

} // namespace

void validate_item(bytes_view item, std::size_t depth) {
    cbor_reader reader{item, depth};
    reader.skip();
    reader.finish();
}

void validate(bytes_view payload) {
    cbor_reader reader{payload};
    if (reader.peek() != cbor_kind::map)
        reader.fail_kind("a map");
    reader.skip();
    reader.finish();
}

namespace detail {

void check_distinct_keys(bytes_view payload, std::size_t offset) {
    cbor_reader reader{payload.subspan(offset)};
    const auto count = reader.begin_map();
    std::vector<std::string_view> keys;
    for (std::size_t i = 0; i < count; ++i) {
        keys.push_back(reader.read_text());
        reader.skip();
    }
    if (const auto twice = repeated(keys)) {
        const auto place = reinterpret_cast<const std::byte*>(twice->data()) - payload.data();
        throw encoding_error{
            static_cast<std::size_t>(place), "the field \"" + printable(*twice) + "\" comes twice"};
    }
}

void check_one_item(const cbor_writer& writer, std::size_t offset) {
    try {
        validate_item(writer.written_from(offset), writer.depth());
    } catch (const encoding_error& failure) {
        throw encoding_error{
            offset,
            "the codec of this type did not write one well-formed item: " + failure.message()};
    }
}

void rethrow_with_path(const encoding_error& failure, bytes_view payload, std::string_view root) {
    const auto suffix = " (at byte " + std::to_string(failure.at()) + ")";
    auto what = failure.message();
    if (what.ends_with(suffix))
        what.resize(what.size() - suffix.size());
    auto path = std::string{root} + path_finder{payload, failure.at()}.find();
    if (path.starts_with('.'))
        path.erase(0, 1);
    throw encoding_error{failure.at(), path.empty() ? what : path + ": " + what};
}

} // namespace detail

} // namespace everfold
