// SPDX-License-Identifier: MIT
#pragma once
// Writer and reader of the CBOR profile of docs/event_encoding.md: one item after the other,
// without a tree in between. The quick paths are inline, everything else is compiled once in
// cbor.cpp.

#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>

#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace everfold {

/// How deep arrays and maps may nest; the outermost one is the first level.
inline constexpr std::size_t cbor_depth_max = 64;

/// What an item of the profile can be.
enum class cbor_kind : std::uint8_t {
    unsigned_integer,
    negative_integer,
    bytes,
    text,
    array,
    map,
    boolean,
    null,
    floating,
};

/// In words for a message: "an integer", "text".
[[nodiscard]] std::string_view to_text(cbor_kind kind) noexcept;

namespace detail {

/// The bytes of a head in front: major type and argument, shortest form. Returns the length.
constexpr std::size_t
put_cbor_head(unsigned char* to, unsigned major, std::uint64_t argument) noexcept {
    const unsigned lead = major << 5U;
    if (argument < 24) {
        to[0] = static_cast<unsigned char>(lead | static_cast<unsigned>(argument));
        return 1;
    }
    unsigned width = 1;
    unsigned info = 24;
    if (argument > 0xFFFF'FFFFU) {
        width = 8;
        info = 27;
    } else if (argument > 0xFFFFU) {
        width = 4;
        info = 26;
    } else if (argument > 0xFFU) {
        width = 2;
        info = 25;
    }
    to[0] = static_cast<unsigned char>(lead | info);
    for (unsigned i = 0; i < width; ++i)
        to[1 + i] = static_cast<unsigned char>((argument >> (8U * (width - 1 - i))) & 0xFFU);
    return 1 + width;
}

inline constexpr std::size_t cbor_head_size_max = 9;

} // namespace detail

/// Appends items to a buffer.
///
/// Owns:    nothing; the buffer is the caller's and belongs to the writer until finish().
/// Threads: one.
/// Failure: throws encoding_error for text that is not UTF-8 and for nesting that is too deep. What
/// was
///          not finished is taken back by the destructor, so that the buffer is as it was.
class cbor_writer {
public:
    explicit cbor_writer(byte_buffer& out) noexcept
        : out_{&out}
        , base_{out.size()}
        , at_{base_} {}
    cbor_writer(const cbor_writer&) = delete;
    cbor_writer& operator=(const cbor_writer&) = delete;
    ~cbor_writer() { out_->resize(base_); }

    void write_null() { put_byte(0xF6); }

    void write_boolean(bool value) { put_byte(value ? 0xF5 : 0xF4); }

    template <std::integral T>
    void write_integer(T value) {
        if constexpr (std::is_signed_v<T>) {
            if (value < 0) {
                put_head(1, static_cast<std::uint64_t>(-1 - static_cast<std::int64_t>(value)));
                return;
            }
        }
        put_head(0, static_cast<std::uint64_t>(value));
    }

    /// Four bytes if they keep the value, otherwise eight.
    void write_floating(double value);

    void write_text(std::string_view text) {
        check_text(text);
        put_head(3, text.size());
        put(text.data(), text.size());
    }

    void write_bytes(bytes_view bytes) {
        put_head(2, bytes.size());
        put(bytes.data(), bytes.size());
    }

    /// `count` items follow, then end().
    void begin_array(std::size_t count) {
        enter();
        put_head(4, count);
    }

    /// `count` pairs of a text and an item follow, then end(). No key may come twice.
    void begin_map(std::size_t count) {
        enter();
        put_head(5, count);
    }

    void end() noexcept { --depth_; }

    /// What is encoded already: whole items. Nothing is checked.
    void write_encoded(bytes_view items) { put(items.data(), items.size()); }

    /// The bytes that were written from `offset` on; valid until the next write.
    [[nodiscard]] bytes_view written_from(std::size_t offset) const noexcept {
        return bytes_view{*out_}.subspan(base_ + offset, at_ - base_ - offset);
    }

    /// How many bytes were written.
    [[nodiscard]] std::size_t size() const noexcept { return at_ - base_; }

    [[nodiscard]] std::size_t depth() const noexcept { return depth_; }

    /// Keeps what was written. The writer is spent.
    void finish() {
        out_->resize(at_);
        base_ = at_;
    }

private:
    void reserve(std::size_t more) {
        if (out_->size() - at_ < more) [[unlikely]]
            grow(more);
    }

    void put_byte(unsigned value) {
        reserve(1);
        (*out_)[at_++] = static_cast<std::byte>(value);
    }

    void put(const void* from, std::size_t size) {
        reserve(size);
        if (size != 0)
            std::memcpy(out_->data() + at_, from, size);
        at_ += size;
    }

    void put_head(unsigned major, std::uint64_t argument) {
        reserve(detail::cbor_head_size_max);
        auto* to = reinterpret_cast<unsigned char*>(out_->data() + at_);
        if (argument < 24) {
            *to = static_cast<unsigned char>((major << 5U) | static_cast<unsigned>(argument));
            ++at_;
        } else {
            at_ += detail::put_cbor_head(to, major, argument);
        }
    }

    void enter() {
        if (++depth_ > cbor_depth_max) [[unlikely]]
            fail_depth();
    }

    void check_text(std::string_view text) const {
        if (!is_utf8(text)) [[unlikely]]
            fail_text(text);
    }

    void grow(std::size_t more);
    [[noreturn]] void fail_depth() const;
    [[noreturn]] void fail_text(std::string_view text) const;

    byte_buffer* out_;
    std::size_t base_; // where the buffer ended before
    std::size_t at_;   // the end of what is written; the buffer may be longer
    std::size_t depth_{};
};

/// Takes items off the front of a payload.
///
/// Owns:    nothing; texts and bytes that it returns are views into the payload.
/// Threads: one.
/// Failure: throws encoding_error with the offset of the item; the reader is then of no more use.
class cbor_reader {
public:
    /// `depth` is how many containers the payload itself lies in.
    explicit cbor_reader(bytes_view payload, std::size_t depth = 0) noexcept
        : begin_{reinterpret_cast<const unsigned char*>(payload.data())}
        , at_{begin_}
        , end_{begin_ + payload.size()}
        , depth_{depth} {}

    /// How many bytes were read.
    [[nodiscard]] std::size_t at() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

    /// All that there is to read, from its start.
    [[nodiscard]] bytes_view payload() const noexcept {
        return {
            reinterpret_cast<const std::byte*>(begin_), static_cast<std::size_t>(end_ - begin_)};
    }

    [[nodiscard]] std::size_t depth() const noexcept { return depth_; }

    [[nodiscard]] std::size_t remaining() const noexcept {
        return static_cast<std::size_t>(end_ - at_);
    }

    /// What the next item is. Throws at the end and for what is outside the profile.
    [[nodiscard]] cbor_kind peek() const;

    /// Reads a null if there is one.
    [[nodiscard]] bool take_null() noexcept {
        if (at_ == end_ || *at_ != 0xF6)
            return false;
        ++at_;
        return true;
    }

    /// Reads these bytes if they are next.
    [[nodiscard]] bool take(const char* encoded, std::size_t size) noexcept {
        if (remaining() < size || std::memcmp(at_, encoded, size) != 0)
            return false;
        at_ += size;
        return true;
    }

    bool read_boolean() {
        if (at_ == end_ || (*at_ & 0xFEU) != 0xF4) [[unlikely]]
            fail_kind("true or false");
        return *at_++ == 0xF5;
    }

    /// An integer that T can hold.
    template <std::integral T>
    T read_integer() {
        const auto* start = at_;
        const auto number = read_wide_integer();
        if (number.is_negative) {
            if constexpr (std::is_signed_v<T>) {
                if (number.magnitude <= static_cast<std::uint64_t>(std::numeric_limits<T>::max()))
                    return static_cast<T>(-1 - static_cast<std::int64_t>(number.magnitude));
            }
        } else if (number.magnitude <= static_cast<std::uint64_t>(std::numeric_limits<T>::max())) {
            return static_cast<T>(number.magnitude);
        }
        fail_range(start, sizeof(T) * 8, std::is_signed_v<T>);
    }

    /// A floating number, or an integer that a double holds exactly.
    double read_floating();

    std::string_view read_text() {
        const auto* start = at_;
        const auto size = read_length(3, "text");
        const std::string_view text{reinterpret_cast<const char*>(at_), size};
        if (!is_utf8(text)) [[unlikely]]
            fail_at(offset_of(start), "the text is not UTF-8");
        at_ += size;
        return text;
    }

    bytes_view read_bytes() {
        const auto size = read_length(2, "bytes");
        const bytes_view bytes{reinterpret_cast<const std::byte*>(at_), size};
        at_ += size;
        return bytes;
    }

    /// How many items follow. After them comes end().
    std::size_t begin_array() {
        const auto count = read_length(4, "an array");
        enter();
        return count;
    }

    /// How many pairs follow. After them comes end(). Whether keys repeat is for the caller to see.
    std::size_t begin_map() {
        const auto* start = at_;
        const auto count = read_length(5, "a map");
        if (count > remaining() / 2) [[unlikely]]
            fail_at(offset_of(start), "more fields than there are bytes");
        enter();
        return count;
    }

    void end() noexcept { --depth_; }

    /// As begin_array or begin_map of a payload that is cut off: the count may be more than there
    /// is.
    std::size_t begin_cut_off() {
        enter();
        return static_cast<std::size_t>(read_argument());
    }

    /// Reads one whole item and checks all of it, repeated keys included.
    bytes_view skip();

    /// Throws unless all was read.
    void finish() const {
        if (at_ != end_) [[unlikely]]
            fail("bytes follow the end of the item");
    }

    [[noreturn]] void fail(std::string_view what) const;
    [[noreturn]] void fail_at(std::size_t offset, std::string_view what) const;
    /// "expected `wanted`, found …" of the next item.
    [[noreturn]] void fail_kind(std::string_view wanted) const;

private:
    struct wide_integer {
        std::uint64_t magnitude{}; // of a negative number: -1 - number
        bool is_negative{};
    };

    [[nodiscard]] std::size_t offset_of(const unsigned char* place) const noexcept {
        return static_cast<std::size_t>(place - begin_);
    }

    wide_integer read_wide_integer() {
        if (at_ == end_ || *at_ >= 0x40U) [[unlikely]]
            fail_kind("an integer");
        const bool is_negative = *at_ >= 0x20U;
        const auto* start = at_;
        const auto magnitude = read_argument();
        if (is_negative &&
            magnitude > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            [[unlikely]]
            fail_at(offset_of(start), "the integer is below -2^63");
        return {magnitude, is_negative};
    }

    std::uint64_t read_argument() {
        const unsigned info = *at_ & 0x1FU;
        if (info < 24) {
            ++at_;
            return info;
        }
        return read_long_argument();
    }

    std::size_t read_length(unsigned major, std::string_view wanted) {
        if (at_ == end_ || (*at_ >> 5U) != major) [[unlikely]]
            fail_kind(wanted);
        const auto* start = at_;
        const auto length = read_argument();
        if (length > remaining()) [[unlikely]]
            fail_at(offset_of(start), "the length is more than there are bytes");
        return static_cast<std::size_t>(length);
    }

    void enter() {
        if (++depth_ > cbor_depth_max) [[unlikely]]
            fail("more than 64 levels of arrays and maps");
    }

    void skip_item();
    void skip_map();
    std::uint64_t read_long_argument();
    [[noreturn]] void
    fail_range(const unsigned char* start, std::size_t bits, bool is_signed) const;

    const unsigned char* begin_;
    const unsigned char* at_;
    const unsigned char* end_;
    std::size_t depth_;
};

/// Throws unless `item` is exactly one item of the profile. `depth` is how many containers it lies
/// in.
void validate_item(bytes_view item, std::size_t depth = 0);

/// Throws unless `payload` is exactly one item of the profile and that is a map: what an event's
/// payload and metadata must be. Everything inside is checked: keys, UTF-8, depth, lengths.
void validate(bytes_view payload);

namespace detail {

/// Throws if a key of the map at `offset` comes twice; its form was checked before.
void check_distinct_keys(bytes_view payload, std::size_t offset);

/// Throws unless what was written from `offset` on is one item.
void check_one_item(const cbor_writer& writer, std::size_t offset);

/// Throws `failure` again with the path of the field at its offset in front.
[[noreturn]] void
rethrow_with_path(const encoding_error& failure, bytes_view payload, std::string_view root);

} // namespace detail

} // namespace everfold
