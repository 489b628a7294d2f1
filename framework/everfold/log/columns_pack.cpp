// SPDX-License-Identifier: MIT
// From a piece of a segment to its columns. docs/log_format.md, "Columns".

#include <everfold/log/column_layout.hpp>
#include <everfold/log/columns.hpp>

#include <zstd.h>

#include <new>
#include <utility>

namespace everfold::log {

namespace {

struct context_closer {
    void operator()(ZSTD_CCtx* c) const noexcept { ZSTD_freeCCtx(c); }
};

/// A payload's CBOR, first looked at and then, if it is a map to its end, taken apart.
class map_splitter {
public:
    map_splitter(std::vector<byte_buffer>& columns, key_numbers& keys)
        : columns_{&columns}
        , keys_{&keys} {}

    [[nodiscard]] bool split(bytes_view payload) {
        in_ = payload;
        is_taking_ = false;
        if (!map())
            return false;
        is_taking_ = true;
        return map();
    }

private:
    struct head {
        unsigned major{};
        std::uint64_t value{};
        std::size_t bytes{};
    };

    [[nodiscard]] std::optional<head> head_at() const {
        if (at_ == in_.size())
            return {};
        const auto first = std::to_integer<unsigned>(in_[at_]);
        const auto info = first & 31U;
        if (info > 27)
            return {};
        const std::size_t more = info < 24 ? 0 : std::size_t{1} << (info - 24U);
        if (in_.size() - at_ - 1 < more)
            return {};
        std::uint64_t value = info;
        if (more != 0) {
            value = 0;
            for (std::size_t i = 0; i < more; ++i)
                value = value << 8U | std::to_integer<std::uint64_t>(in_[at_ + 1 + i]);
        }
        return head{first >> 5U, value, 1 + more};
    }

    void take(std::size_t n, std::size_t column) {
        if (is_taking_)
            append_bytes((*columns_)[column], in_.subspan(at_, n));
        at_ += n;
    }

    bool map() {
        at_ = 0;
        const auto h = head_at();
        if (!h || h->major != 5 || h->value > in_.size())
            return false;
        take(h->bytes, col_structure);
        for (std::uint64_t i = 0; i < h->value; ++i) {
            const auto key = head_at();
            if (!key || key->major != 3 || in_.size() - at_ - key->bytes < key->value)
                return false;
            const auto size = static_cast<std::size_t>(key->value);
            if (is_taking_)
                key_ = keys_->number(as_text(in_.subspan(at_ + key->bytes, size)));
            take(key->bytes + size, col_structure);
            if (!value(0))
                return false;
        }
        return at_ == in_.size();
    }

    bool value(int depth) {
        const auto h = head_at();
        if (!h || depth > cbor_depth_max)
            return false;
        if (h->major < 2) {
            take(1, col_structure);
            if (is_taking_ && h->bytes == 9)
                append_le((*columns_)[numbers_of(key_)], h->value);
            else if (is_taking_ && h->bytes > 1)
                append_le((*columns_)[numbers_of(key_)], static_cast<std::uint32_t>(h->value));
            at_ += h->bytes - 1;
            return true;
        }
        take(h->bytes, col_structure);
        switch (h->major) {
        case 2:
        case 3:
            if (in_.size() - at_ < h->value)
                return false;
            take(static_cast<std::size_t>(h->value), texts_of(key_));
            return true;
        case 4:
        case 5: {
            if (h->value > in_.size())
                return false;
            const auto count = h->major == 4 ? h->value : 2 * h->value;
            for (std::uint64_t i = 0; i < count; ++i) {
                if (!value(depth + 1))
                    return false;
            }
            return true;
        }
        case 6:
            return value(depth + 1);
        default:
            return true;
        }
    }

    std::vector<byte_buffer>* columns_;
    key_numbers* keys_;
    bytes_view in_{};
    std::size_t at_{};
    std::size_t key_{};
    bool is_taking_{};
};

} // namespace

class column_packer::state {
public:
    std::optional<byte_buffer> pack(bytes_view piece, std::uint64_t at, int level) {
        columns_.resize(columns_max);
        for (auto& c : columns_)
            c.clear();
        keys_ = {};
        last_time_ = 0;
        piece_ = piece;
        const bool was_understood = is_understood_;
        split(at);
        if (!was_understood)
            return {};
        return compressed(level);
    }

private:
    void append_plain(std::size_t from, std::size_t end) {
        if (from == end)
            return;
        columns_[col_items].push_back(std::byte{0});
        append_le(columns_[col_plain_sizes], static_cast<std::uint32_t>(end - from));
        append_bytes(columns_[col_plain], piece_.subspan(from, end - from));
    }

    void append_item(item what) { columns_[col_items].push_back(static_cast<std::byte>(what)); }

    /// Walks what begins in the piece. What goes on behind it is left to the next one.
    void split(std::uint64_t begin) {
        const auto end = begin + piece_.size();
        if (begin == 0)
            next_ = segment_header_size;
        if (!cut_header_.empty())
            complete_header();
        auto done = begin;
        while (is_understood_ && next_ < end && cut_header_.empty()) {
            const auto from = static_cast<std::size_t>(next_ - begin);
            const auto was = next_;
            // Sets next_ behind what is at `from`.
            const auto plain_end = static_cast<std::size_t>(std::max(done, was) - begin);
            const auto plain_from = static_cast<std::size_t>(done - begin);
            if (const auto size = item_at(from, plain_from, plain_end); size != 0)
                done = was + size;
        }
        append_plain(static_cast<std::size_t>(done - begin), piece_.size());
    }

    void complete_header() {
        const auto missing = frame_header_size - cut_header_.size();
        if (piece_.size() < missing) {
            is_understood_ = false;
            return;
        }
        append_bytes(cut_header_, piece_.first(missing));
        enter_frame(cut_header_);
        cut_header_.clear();
    }

    /// Its header is at next_.
    void enter_frame(bytes_view header) {
        const auto body = load_le<std::uint32_t>(header.data() + 8);
        if (load_le<std::uint32_t>(header.data()) != frame_magic || body % 8 != 0) {
            is_understood_ = false;
            return;
        }
        const auto is_batch = load_le<std::uint16_t>(header.data() + 4) == 1;
        body_end_ = next_ + frame_header_size + body;
        if (is_batch && body >= append_id_size) {
            is_in_frame_ = true;
            next_ += frame_header_size + append_id_size;
        } else {
            next_ = body_end_ + frame_trailer_size;
        }
    }

    /// Splits what is at `from`, if all of it is in the piece and it is worth it; then its size.
    std::size_t item_at(std::size_t from, std::size_t plain_from, std::size_t plain_end) {
        const auto rest = piece_.subspan(from);
        if (rest.size() < 8) {
            is_understood_ = false;
            return 0;
        }
        if (!is_in_frame_) {
            if (rest.size() < frame_header_size) {
                // The rest of it comes first in the next piece.
                cut_header_.assign(rest.begin(), rest.end());
                return 0;
            }
            enter_frame(rest);
            constexpr auto size = frame_header_size + append_id_size;
            if (!is_understood_ || !is_in_frame_ || rest.size() < size)
                return 0;
            append_plain(plain_from, plain_end);
            append_item(item::frame);
            append_bytes(columns_[col_frames], rest.first(size));
            return size;
        }
        if (next_ >= body_end_) {
            is_in_frame_ = false;
            next_ = body_end_ + frame_trailer_size;
            const auto length = load_le<std::uint32_t>(rest.data());
            if (load_le<std::uint32_t>(rest.data() + 4) != ~length)
                return 0;
            append_plain(plain_from, plain_end);
            append_item(item::trailer);
            append_le(columns_[col_trailers], length);
            return 8;
        }
        const std::size_t length = load_le<std::uint32_t>(rest.data());
        if (length < 24 || length % 8 != 0 || length > body_end_ - next_) {
            is_in_frame_ = false;
            next_ = body_end_ + frame_trailer_size;
            return 0;
        }
        next_ += length;
        if (length > rest.size())
            return 0;
        const auto record = rest.first(length);
        const bool is_split = load_le<std::uint16_t>(record.data() + 4) == names_record_mark
                                  ? is_plain_names(record)
                                  : is_plain_event(record);
        if (!is_split)
            return 0;
        append_plain(plain_from, plain_end);
        if (load_le<std::uint16_t>(record.data() + 4) == names_record_mark)
            split_names(record);
        else
            split_event(record);
        return length;
    }

    [[nodiscard]] static bool zeros_end(bytes_view record) {
        const auto padding = std::to_integer<std::size_t>(record[6]) & 7U;
        return std::ranges::all_of(record.last(padding), [](std::byte b) {
            return b == std::byte{0};
        });
    }

    [[nodiscard]] static bool is_plain_names(bytes_view record) {
        const auto padding = std::to_integer<std::size_t>(record[6]) & 7U;
        return record.size() >= names_record_header_size + padding && zeros_end(record);
    }

    struct event_parts {
        std::size_t tags{};
        std::size_t time{};
        std::size_t ids{};
        std::size_t metadata{};
        std::size_t payload{};
        std::size_t end{};
    };

    [[nodiscard]] static std::optional<event_parts> parts_of(bytes_view r) {
        const auto flags = std::to_integer<unsigned>(r[6]);
        event_parts p;
        p.tags = event_record_header_size;
        p.time = p.tags + 4 * std::to_integer<std::size_t>(r[7]);
        constexpr std::array<std::size_t, 4> time_bytes{0, 8, 8, 20};
        p.ids = p.time + time_bytes[flags >> 3U & 3U];
        p.metadata = p.ids + ((flags & 0x20U) != 0 ? 16U : 0U) + ((flags & 0x40U) != 0 ? 32U : 0U);
        p.end = r.size() - (flags & 7U);
        p.payload = p.metadata;
        if ((flags & 0x80U) != 0) {
            if (p.metadata + 4 > p.end)
                return {};
            p.payload += 4 + std::size_t{load_le<std::uint32_t>(r.data() + p.metadata)};
        }
        if (p.payload > p.end)
            return {};
        return p;
    }

    [[nodiscard]] static bool is_plain_event(bytes_view r) {
        const auto p = parts_of(r);
        return p && zeros_end(r) && std::max<std::size_t>(24, aligned_8(p->end)) == r.size();
    }

    void split_names(bytes_view r) {
        const auto padding = std::to_integer<std::size_t>(r[6]) & 7U;
        append_item(item::names);
        append_bytes(columns_[col_names], r.first(names_record_header_size));
        append_bytes(
            columns_[col_name_texts],
            r.subspan(names_record_header_size, r.size() - names_record_header_size - padding)
        );
    }

    void take(std::size_t column, bytes_view from) { append_bytes(columns_[column], from); }

    void split_event(bytes_view r) {
        const auto p = *parts_of(r);
        const auto flags = std::to_integer<unsigned>(r[6]);
        take(col_types, r.subspan(4, 2));
        columns_[col_flags].push_back(static_cast<std::byte>(flags & ~7U));
        take(col_tag_counts, r.subspan(7, 1));
        take(col_streams, r.subspan(8, 4));
        take(col_revisions, r.subspan(12, 4));
        take(col_back_links, r.subspan(16, 4));
        take(col_tags, r.subspan(p.tags, p.time - p.tags));
        if (p.time != p.ids) {
            const auto time = load_le<std::uint64_t>(r.data() + p.time);
            append_le(columns_[col_times], time - last_time_);
            last_time_ = time;
            take(col_other_times, r.subspan(p.time + 8, p.ids - p.time - 8));
        }
        auto ids = p.ids;
        if ((flags & 0x20U) != 0) {
            take(col_event_ids, r.subspan(ids, 16));
            ids += 16;
        }
        take(col_causality, r.subspan(ids, p.metadata - ids));
        if ((flags & 0x80U) != 0) {
            take(col_metadata_sizes, r.subspan(p.metadata, 4));
            take(col_metadata, r.subspan(p.metadata + 4, p.payload - p.metadata - 4));
        }
        const auto payload = r.subspan(p.payload, p.end - p.payload);
        if (map_splitter{columns_, keys_}.split(payload)) {
            append_item(item::map);
            return;
        }
        append_item(item::event);
        append_le(columns_[col_payload_sizes], static_cast<std::uint32_t>(payload.size()));
        take(col_payloads, payload);
    }

    std::optional<byte_buffer> compressed(int level) {
        std::size_t count = columns_.size();
        while (count > 0 && columns_[count - 1].empty())
            --count;
        std::size_t all = 0;
        byte_buffer out;
        byte_buffer data;
        out.reserve(piece_.size());
        data.reserve(piece_.size());
        append_le(out, static_cast<std::uint32_t>(count));
        for (std::size_t c = 0; c < count; ++c) {
            const auto raw = in_rows_of_bytes(c);
            all += raw.size();
            packed_.resize(ZSTD_compressBound(raw.size()));
            const auto n = raw.empty() ? 0
                                       : ZSTD_compressCCtx(
                                             context_.get(),
                                             packed_.data(),
                                             packed_.size(),
                                             raw.data(),
                                             raw.size(),
                                             level
                                         );
            const bool pays = ZSTD_isError(n) == 0 && n < raw.size();
            const auto stored = pays ? bytes_view{packed_}.first(n) : raw;
            append_le(out, static_cast<std::uint32_t>(raw.size()));
            append_le(out, static_cast<std::uint32_t>(stored.size()));
            append_bytes(data, stored);
        }
        if (all > column_bytes_max)
            return {};
        append_bytes(out, data);
        return out;
    }

    bytes_view in_rows_of_bytes(std::size_t c) {
        const auto& from = columns_[c];
        const auto width = row_bytes_of(c);
        if (width == 1)
            return from;
        const auto rows = from.size() / width;
        turned_.resize(from.size());
        for (std::size_t b = 0; b < width; ++b)
            for (std::size_t i = 0; i < rows; ++i)
                turned_[b * rows + i] = from[i * width + b];
        return turned_;
    }

    static ZSTD_CCtx* new_context() {
        auto* const out = ZSTD_createCCtx();
        if (out == nullptr)
            throw std::bad_alloc{};
        return out;
    }

    std::unique_ptr<ZSTD_CCtx, context_closer> context_{new_context()};
    std::vector<byte_buffer> columns_{};
    key_numbers keys_{};
    std::uint64_t last_time_{};
    bytes_view piece_{};
    byte_buffer turned_{};
    byte_buffer packed_{};
    /// Where the next frame header, record or trailer begins.
    std::uint64_t next_{};
    std::uint64_t body_end_{};
    byte_buffer cut_header_{};
    bool is_in_frame_{};
    bool is_understood_{true};
};

column_packer::column_packer()
    : state_{std::make_unique<state>()} {}

column_packer::~column_packer() = default;

std::optional<byte_buffer> column_packer::pack(bytes_view piece, std::uint64_t at, int level) {
    return state_->pack(piece, at, level);
}

} // namespace everfold::log
