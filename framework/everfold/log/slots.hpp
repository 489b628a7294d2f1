// SPDX-License-Identifier: MIT
#pragma once
// A small file of two slots, of which at any moment at least one is whole.
// docs/log_format.md, "Two-slot files".

#include <everfold/base/bytes.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace everfold::log {

/// The last byte of the magic: which file it is.
enum class slot_kind : char { manifest = 'L', head = 'H' };

struct slot_content {
    std::uint64_t generation{};
    uuid log_id{};
    byte_buffer payload{};
};

inline constexpr std::size_t slot_header_size = 40;
inline constexpr std::size_t slot_overhead = slot_header_size + 8;

/// Where the low half of the second slot's generation is: who follows a file of two slots sleeps
/// until this word changes, with each write of that slot.
[[nodiscard]] constexpr byte_offset slot_word(std::size_t slot_size) noexcept {
    return byte_offset{slot_size + 8};
}

/// Bytes of a new two-slot file with the same content in both slots.
[[nodiscard]] byte_buffer
encode_slots(slot_kind kind, const slot_content& content, std::size_t slot_size);

struct slots_read {
    slot_content newest{};
    /// False where one slot is damaged, unfinished, or missing.
    bool are_both_whole{};
    /// The second slot, which is written first, has what the first one has not yet.
    bool is_second_newer{};
    /// Of the second slot, where that is whole: low half of its generation.
    std::optional<std::uint32_t> word{};
};

/// The newest whole slot in the bytes of a file, or nothing.
[[nodiscard]] std::optional<slots_read> read_slots(slot_kind kind, bytes_view file);

/// Overwrites the slots of an open file so that whatever a power cut does to what is not yet
/// synced, one slot stays whole.
///
/// Threads: one at a time.  Failure: io_error.
class slot_writer {
public:
    slot_writer(
        std::unique_ptr<io::file> file,
        slot_kind kind,
        std::size_t slot_size,
        const uuid& log_id,
        std::uint64_t generation
    );

    /// One write of the second slot; no sync. Wakes who sleeps on it. Where the first one was
    /// written and need not have become durable, it is written instead: the second is whole then.
    void write(bytes_view payload);

    /// The first slot was written last, by somebody else, who may not have synced it.
    void spare_second() noexcept { is_first_at_risk_ = true; }

    /// The second slot alone, synced. Until the first one is written, too, nothing else may be.
    void write_second_synced(bytes_view payload);

    /// The first slot, synced, once the second one is.
    void write_first_synced(bytes_view payload);

    /// Both slots, each synced: first the one that need not be durable, which is the second unless
    /// it was said or found that it is the other.
    void write_both_synced(bytes_view payload);

    void sync() { file_->sync_data(); }

    [[nodiscard]] std::size_t payload_bytes_max() const noexcept {
        return slot_size_ - slot_overhead;
    }

private:
    void write_slot(std::size_t slot, bytes_view payload);

    std::unique_ptr<io::file> file_;
    std::unique_ptr<io::wait_word> word_; // null where nobody sleeps
    slot_kind kind_;
    std::size_t slot_size_;
    uuid log_id_;
    std::uint64_t generation_;
    bool is_first_at_risk_{};
    byte_buffer buffer_{};
};

} // namespace everfold::log
