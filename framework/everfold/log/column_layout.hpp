// SPDX-License-Identifier: MIT
#pragma once
// Which columns a piece has, in their order. docs/log_format.md, "Columns".

#include <everfold/log/archive_format.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/record.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::log {

enum class item : std::uint8_t { plain = 0, frame = 1, trailer = 2, names = 3, event = 4, map = 5 };

enum column : std::size_t {
    col_items,
    col_plain_sizes,
    col_plain,
    col_frames,
    col_trailers,
    col_types,
    col_flags,
    col_tag_counts,
    col_streams,
    col_revisions,
    col_back_links,
    col_tags,
    col_times,
    col_other_times,
    col_event_ids,
    col_causality,
    col_metadata_sizes,
    col_metadata,
    col_payload_sizes,
    col_payloads,
    col_names,
    col_name_texts,
    col_structure,
    fixed_columns
};

/// Bytes of a row: the first bytes of all rows come first, then the second ones, and so on.
inline constexpr std::array<std::size_t, fixed_columns> row_bytes{
    1, 4, 1, frame_header_size + append_id_size, 4, 2, 1, 1, 4, 4, 4, 4, 8, 12, 16, 32, 4,
    1, 4, 1, names_record_header_size,           1, 1};

/// Each key has two columns: of numbers, rows of 4 bytes, and of texts.
inline constexpr std::size_t keys_max = 64;
inline constexpr std::size_t key_bytes_max = 64;
inline constexpr std::size_t columns_max = fixed_columns + 2 * (keys_max + 1);
inline constexpr std::size_t column_bytes_max = 4 * piece_size;
inline constexpr int cbor_depth_max = 8;

[[nodiscard]] constexpr std::size_t row_bytes_of(std::size_t c) noexcept {
    return c < fixed_columns ? row_bytes[c] : (c - fixed_columns) % 2 == 0 ? 4 : 1;
}

/// The keys of a piece in the order in which they appear; 0 stands for all that have no number.
class key_numbers {
public:
    [[nodiscard]] std::size_t number(std::string_view key) {
        if (key.size() > key_bytes_max)
            return 0;
        auto& guess = next_[last_];
        if (guess == 0 || keys_[guess - 1] != key) {
            const auto found = std::find(keys_.begin(), keys_.end(), key);
            if (found == keys_.end()) {
                if (keys_.size() == keys_max)
                    return 0;
                keys_.emplace_back(key);
                guess = keys_.size();
            } else {
                guess = static_cast<std::size_t>(found - keys_.begin()) + 1;
            }
        }
        last_ = guess;
        return last_;
    }

private:
    std::vector<std::string> keys_{};
    std::array<std::size_t, keys_max + 1> next_{};
    std::size_t last_{};
};

[[nodiscard]] constexpr std::size_t numbers_of(std::size_t key) noexcept {
    return fixed_columns + 2 * key;
}

[[nodiscard]] constexpr std::size_t texts_of(std::size_t key) noexcept {
    return numbers_of(key) + 1;
}

} // namespace everfold::log
