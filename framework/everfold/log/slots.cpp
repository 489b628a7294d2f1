// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/slots.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace everfold::log {

namespace {

// The anchor is only ever overwritten while the other slot is durable.
constexpr std::size_t anchor_slot = 0;
constexpr std::size_t running_slot = 1;

std::array<std::byte, 8> magic_of(slot_kind kind) noexcept {
    return {
        std::byte{0x89},
        std::byte{'E'},
        std::byte{'V'},
        std::byte{'F'},
        std::byte{0x0D},
        std::byte{0x0A},
        std::byte{0x1A},
        static_cast<std::byte>(kind)};
}

void append_slot(
    byte_buffer& out,
    slot_kind kind,
    std::uint64_t generation,
    const uuid& log_id,
    bytes_view payload,
    std::size_t slot_size
) {
    check(payload.size() + slot_overhead <= slot_size, "a payload fits its slot");
    const auto start = out.size();
    append_bytes(out, magic_of(kind));
    append_le(out, generation);
    append_le(out, static_cast<std::uint32_t>(payload.size()));
    append_le(out, static_cast<std::uint32_t>(slot_size));
    append_bytes(out, log_id.octets);
    append_bytes(out, payload);
    append_le(out, checksum(bytes_view{out}.subspan(start), 0));
}

std::optional<slot_content> decode_slot(slot_kind kind, bytes_view at) {
    const auto magic = magic_of(kind);
    if (at.size() < slot_overhead || !std::equal(magic.begin(), magic.end(), at.begin()))
        return {};
    const std::size_t length = load_le<std::uint32_t>(at.data() + 16);
    if (length > at.size() - slot_overhead)
        return {};
    if (load_le<std::uint64_t>(at.data() + slot_header_size + length) !=
        checksum(at.first(slot_header_size + length), 0))
        return {};
    slot_content out;
    out.generation = load_le<std::uint64_t>(at.data() + 8);
    std::copy_n(at.begin() + 24, 16, out.log_id.octets.begin());
    const auto payload = at.subspan(slot_header_size, length);
    out.payload.assign(payload.begin(), payload.end());
    return out;
}

} // namespace

byte_buffer encode_slots(slot_kind kind, const slot_content& content, std::size_t slot_size) {
    byte_buffer out;
    out.reserve(2 * slot_size);
    append_slot(out, kind, content.generation, content.log_id, content.payload, slot_size);
    out.resize(slot_size);
    append_slot(out, kind, content.generation, content.log_id, content.payload, slot_size);
    out.resize(2 * slot_size);
    return out;
}

std::optional<slots_read> read_slots(slot_kind kind, bytes_view file) {
    // The second slot is found from the first one's size, or, where the first is damaged, from the
    // file's.
    auto first = decode_slot(kind, file);
    std::size_t slot_size = file.size() / 2;
    if (first)
        slot_size = load_le<std::uint32_t>(file.data() + 20);
    std::optional<slot_content> second;
    if (slot_size < file.size())
        second = decode_slot(kind, file.subspan(slot_size));
    if (!first && !second)
        return {};
    const bool are_both_whole = first && second && file.size() == 2 * slot_size;
    const bool is_second_newer = second && (!first || second->generation > first->generation);
    std::optional<std::uint32_t> word;
    if (second)
        word = static_cast<std::uint32_t>(second->generation);
    return slots_read{
        std::move(is_second_newer ? *second : *first), are_both_whole, is_second_newer, word};
}

slot_writer::slot_writer(
    std::unique_ptr<io::file> file,
    slot_kind kind,
    std::size_t slot_size,
    const uuid& log_id,
    std::uint64_t generation
)
    : file_{std::move(file)}
    , word_{kind == slot_kind::head ? file_->word_at(slot_word(slot_size)) : nullptr}
    , kind_{kind}
    , slot_size_{slot_size}
    , log_id_{log_id}
    , generation_{generation} {}

void slot_writer::write_slot(std::size_t slot, bytes_view payload) {
    ++generation_;
    buffer_.clear();
    append_slot(buffer_, kind_, generation_, log_id_, payload, slot_size_);
    file_->write_at(byte_offset{slot * slot_size_}, buffer_);
    if (slot == running_slot && word_ != nullptr)
        word_->wake();
}

void slot_writer::write(bytes_view payload) {
    write_slot(is_first_at_risk_ ? anchor_slot : running_slot, payload);
}

void slot_writer::write_second_synced(bytes_view payload) {
    write_slot(running_slot, payload);
    file_->sync_data();
}

void slot_writer::write_first_synced(bytes_view payload) {
    is_first_at_risk_ = true;
    write_slot(anchor_slot, payload);
    file_->sync_data();
    is_first_at_risk_ = false;
}

void slot_writer::write_both_synced(bytes_view payload) {
    const bool is_first_in_danger = is_first_at_risk_;
    if (is_first_in_danger)
        write_first_synced(payload);
    write_second_synced(payload);
    if (!is_first_in_danger)
        write_first_synced(payload);
}

} // namespace everfold::log
