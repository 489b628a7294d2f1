// SPDX-License-Identifier: MIT
// From columns to a piece of a segment. docs/log_format.md, "Columns".

#include <everfold/log/archive_format.hpp>
#include <everfold/log/column_layout.hpp>
#include <everfold/log/columns.hpp>

#include <zstd.h>

#include <exception>
#include <new>
#include <utility>

namespace everfold::log {

namespace {

/// The bytes are no columns, or not of this piece. Does not leave this file.
struct malformed : std::exception {};

void require(bool is_so) {
    if (!is_so)
        throw malformed{};
}

struct context_closer {
    void operator()(ZSTD_DCtx* c) const noexcept { ZSTD_freeDCtx(c); }
};

class column_reader {
public:
    column_reader() = default;

    explicit column_reader(byte_buffer bytes)
        : bytes_{std::move(bytes)} {}

    [[nodiscard]] bytes_view take(std::size_t n) {
        require(n <= bytes_.size() - at_);
        at_ += n;
        return bytes_view{bytes_}.subspan(at_ - n, n);
    }

    template <std::integral T>
    [[nodiscard]] T number() {
        return load_le<T>(take(sizeof(T)).data());
    }

    [[nodiscard]] bool is_at_end() const noexcept { return at_ == bytes_.size(); }

private:
    byte_buffer bytes_{};
    std::size_t at_{};
};

byte_buffer in_rows(byte_buffer from, std::size_t width) {
    if (width == 1)
        return from;
    require(from.size() % width == 0);
    const auto rows = from.size() / width;
    byte_buffer out(from.size());
    for (std::size_t b = 0; b < width; ++b)
        for (std::size_t i = 0; i < rows; ++i)
            out[i * width + b] = from[b * rows + i];
    return out;
}

class joiner {
public:
    joiner(bytes_view packed, std::span<std::byte> into)
        : into_{into} {
        read_columns(packed);
    }

    void run() {
        while (!columns_[col_items].is_at_end())
            join(columns_[col_items].number<std::uint8_t>());
        require(done_ == into_.size());
        for (const auto& c : columns_)
            require(c.is_at_end());
    }

private:
    void read_columns(bytes_view packed) {
        require(packed.size() >= 4);
        const std::size_t count = load_le<std::uint32_t>(packed.data());
        require(count <= columns_max && (packed.size() - 4) / 8 >= count);
        const std::unique_ptr<ZSTD_DCtx, context_closer> context{ZSTD_createDCtx()};
        if (context == nullptr)
            throw std::bad_alloc{};
        auto data = packed.subspan(4 + 8 * count);
        std::size_t left = column_bytes_max;
        for (std::size_t c = 0; c < count; ++c) {
            const std::size_t raw = load_le<std::uint32_t>(packed.data() + 4 + 8 * c);
            const std::size_t stored = load_le<std::uint32_t>(packed.data() + 8 + 8 * c);
            require(raw <= left && stored <= raw && stored <= data.size());
            left -= raw;
            byte_buffer bytes(raw);
            if (stored == raw) {
                std::ranges::copy(data.first(stored), bytes.begin());
            } else {
                const auto n = ZSTD_decompressDCtx(
                    context.get(), bytes.data(), bytes.size(), data.data(), stored
                );
                require_memory(n);
                require(ZSTD_isError(n) == 0 && n == raw);
            }
            data = data.subspan(stored);
            columns_[c] = column_reader{in_rows(std::move(bytes), row_bytes_of(c))};
        }
        require(data.empty());
    }

    void put(bytes_view bytes) {
        require(bytes.size() <= into_.size() - done_);
        std::ranges::copy(bytes, into_.begin() + static_cast<std::ptrdiff_t>(done_));
        done_ += bytes.size();
    }

    bytes_view move(std::size_t column, std::size_t n) {
        const auto bytes = columns_[column].take(n);
        put(bytes);
        return bytes;
    }

    template <std::integral T>
    void put_number(T value) {
        std::array<std::byte, sizeof(T)> bytes{};
        store_le(bytes.data(), value);
        put(bytes);
    }

    void put_zeros(std::size_t n) {
        require(n <= into_.size() - done_);
        std::fill_n(into_.begin() + static_cast<std::ptrdiff_t>(done_), n, std::byte{0});
        done_ += n;
    }

    void join(std::uint8_t what) {
        switch (static_cast<item>(what)) {
        case item::plain: {
            const auto n = columns_[col_plain_sizes].number<std::uint32_t>();
            require(n != 0);
            move(col_plain, n);
            return;
        }
        case item::frame:
            move(col_frames, frame_header_size + append_id_size);
            return;
        case item::trailer: {
            const auto length = columns_[col_trailers].number<std::uint32_t>();
            put_number(length);
            put_number(~length);
            return;
        }
        case item::names: {
            const auto header = move(col_names, names_record_header_size);
            const std::size_t length = load_le<std::uint32_t>(header.data());
            const auto padding = std::to_integer<std::size_t>(header[6]) & 7U;
            require(length >= names_record_header_size + padding);
            move(col_name_texts, length - names_record_header_size - padding);
            put_zeros(padding);
            return;
        }
        case item::event:
        case item::map:
            join_event(static_cast<item>(what) == item::map);
            return;
        }
        throw malformed{};
    }

    void join_event(bool is_map) {
        const auto start = done_;
        put_zeros(4);
        move(col_types, 2);
        const auto flags = std::to_integer<unsigned>(move(col_flags, 1)[0]);
        require((flags & 7U) == 0);
        const auto tags = std::to_integer<std::size_t>(move(col_tag_counts, 1)[0]);
        move(col_streams, 4);
        move(col_revisions, 4);
        move(col_back_links, 4);
        move(col_tags, 4 * tags);
        if (const auto form = flags >> 3U & 3U; form != 0) {
            last_time_ += columns_[col_times].number<std::uint64_t>();
            put_number(last_time_);
            if (form == 3)
                move(col_other_times, 12);
        }
        if ((flags & 0x20U) != 0)
            move(col_event_ids, 16);
        if ((flags & 0x40U) != 0)
            move(col_causality, 32);
        if ((flags & 0x80U) != 0) {
            const auto size = load_le<std::uint32_t>(move(col_metadata_sizes, 4).data());
            move(col_metadata, size);
        }
        if (is_map)
            join_map();
        else
            move(col_payloads, columns_[col_payload_sizes].number<std::uint32_t>());
        const auto size = done_ - start;
        const auto length = std::max<std::size_t>(24, aligned_8(size));
        put_zeros(length - size);
        store_le(into_.data() + start, static_cast<std::uint32_t>(length));
        into_[start + 6] = static_cast<std::byte>(flags | static_cast<unsigned>(length - size));
    }

    struct head {
        unsigned major{};
        std::uint64_t value{};
    };

    /// All of it comes from the structure, but what follows a number's first byte.
    head move_head() {
        const auto first = std::to_integer<unsigned>(move(col_structure, 1)[0]);
        const auto info = first & 31U;
        const auto major = first >> 5U;
        require(info <= 27);
        if (info < 24)
            return {major, info};
        const auto more = std::size_t{1} << (info - 24U);
        if (major >= 2) {
            std::uint64_t value = 0;
            for (const auto b : move(col_structure, more))
                value = value << 8U | std::to_integer<std::uint64_t>(b);
            return {major, value};
        }
        auto& from = columns_[numbers_of(key_)];
        const auto value = more == 8 ? from.number<std::uint64_t>() : from.number<std::uint32_t>();
        require(more >= 4 || value >> (8 * more) == 0);
        std::array<std::byte, 8> bytes{};
        for (std::size_t i = 0; i < more; ++i)
            bytes[i] = static_cast<std::byte>(value >> (8 * (more - 1 - i)) & 0xFFU);
        put(bytes_view{bytes}.first(more));
        return {major, value};
    }

    void join_map() {
        const auto map = move_head();
        require(map.major == 5);
        for (std::uint64_t i = 0; i < map.value; ++i) {
            const auto key = move_head();
            require(key.major == 3 && key.value <= piece_size);
            const auto text = move(col_structure, static_cast<std::size_t>(key.value));
            key_ = keys_.number(as_text(text));
            join_value(0);
        }
    }

    void join_value(int depth) {
        require(depth <= cbor_depth_max);
        const auto h = move_head();
        if (h.major == 2 || h.major == 3) {
            require(h.value <= piece_size);
            move(texts_of(key_), static_cast<std::size_t>(h.value));
        } else if (h.major == 4 || h.major == 5) {
            require(h.value <= piece_size);
            const auto count = h.major == 4 ? h.value : 2 * h.value;
            for (std::uint64_t i = 0; i < count; ++i)
                join_value(depth + 1);
        } else if (h.major == 6) {
            join_value(depth + 1);
        }
    }

    std::array<column_reader, columns_max> columns_{};
    key_numbers keys_{};
    std::span<std::byte> into_;
    std::size_t done_{};
    std::uint64_t last_time_{};
    std::size_t key_{};
};

} // namespace

bool unpack_columns(bytes_view packed, std::span<std::byte> into) {
    try {
        joiner{packed, into}.run();
        return true;
    } catch (const malformed&) {
        return false;
    }
}

} // namespace everfold::log
