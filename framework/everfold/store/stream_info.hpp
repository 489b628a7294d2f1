// SPDX-License-Identifier: MIT
#pragma once
// What a store knows about a stream besides its events. Answered from the log's indexes and rules.

#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/store/retention.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace everfold {

/// Bytes of a stream's metadata, encoded.
inline constexpr std::size_t stream_metadata_max = 65'536;

enum class stream_state : std::uint8_t {
    unknown,    ///< no event was ever appended to it
    readable,   ///< events of it can be reached
    empty,      ///< none can, and it goes on
    tombstoned, ///< it has ended for ever
};

/// In words: "tombstoned".
[[nodiscard]] std::string_view to_text(stream_state state) noexcept;

/// How a stream ended.
struct stream_end {
    timestamp at{};
    position rule{}; ///< of the event in "$streams" that says so
    std::string why{};

    friend bool operator==(const stream_end&, const stream_end&) = default;
};

struct stream_info {
    std::string name{};
    std::string category{};
    stream_state state{};
    /// That can be reached; and where the first and the last of them are.
    std::uint64_t events{};
    std::optional<position> first{};
    std::optional<position> last{};
    /// Of the last event there ever was; nothing where the stream has ended.
    std::optional<revision> last_revision{};
    /// What the rules say.
    revision begins_at{};
    retention kept{};
    std::optional<stream_end> end{};
    /// A CBOR map, as store::describe() was given it last; empty: never.
    byte_buffer metadata{};

    /// The metadata as one line of JSON; "{}" where there is none.
    [[nodiscard]] std::string metadata_json() const;

    friend bool operator==(const stream_info&, const stream_info&) = default;
};

/// A category, and what can be reached of its streams.
struct category_info {
    std::string name{};
    std::uint64_t streams{};
    std::uint64_t events{};

    friend bool operator==(const category_info&, const category_info&) = default;
};

/// Reading exactly one stream, which was tombstoned. Its code is errc::tombstoned.
class stream_ended : public error {
public:
    stream_ended(std::string stream, stream_end how);
    stream_ended(const stream_ended&) = default;
    stream_ended(stream_ended&&) = default;
    stream_ended& operator=(const stream_ended&) = default;
    stream_ended& operator=(stream_ended&&) = default;
    ~stream_ended() override;

    [[nodiscard]] const std::string& stream() const noexcept { return stream_; }

    [[nodiscard]] const stream_end& how() const noexcept { return how_; }

private:
    std::string stream_;
    stream_end how_;
};

/// Walks the streams of a store, once. One thread at a time.
class stream_cursor {
public:
    stream_cursor() = default;
    stream_cursor(const stream_cursor&) = delete;
    stream_cursor& operator=(const stream_cursor&) = delete;
    stream_cursor(stream_cursor&&) = delete;
    stream_cursor& operator=(stream_cursor&&) = delete;
    virtual ~stream_cursor();

    /// The next stream, or null after the last. Lives until the next call.
    [[nodiscard]] virtual const stream_info* next() = 0;
};

/// An input range of streams for `for`. Its memory does not grow with their number.
class stream_range {
public:
    class iterator {
    public:
        using value_type = stream_info;
        using difference_type = std::ptrdiff_t;

        iterator() = default;
        explicit iterator(stream_cursor* cursor)
            : cursor_{cursor}
            , stream_{cursor->next()} {}

        const stream_info& operator*() const noexcept { return *stream_; }
        const stream_info* operator->() const noexcept { return stream_; }

        iterator& operator++() {
            stream_ = cursor_->next();
            return *this;
        }

        void operator++(int) { ++*this; }

        friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept {
            return it.stream_ == nullptr;
        }

    private:
        stream_cursor* cursor_{};
        const stream_info* stream_{};
    };

    explicit stream_range(std::unique_ptr<stream_cursor> cursor)
        : cursor_{std::move(cursor)} {}

    [[nodiscard]] iterator begin() { return iterator{cursor_.get()}; }

    [[nodiscard]] static std::default_sentinel_t end() noexcept { return {}; }

private:
    std::unique_ptr<stream_cursor> cursor_;
};

} // namespace everfold
