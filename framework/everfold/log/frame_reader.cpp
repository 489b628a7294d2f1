// SPDX-License-Identifier: MIT
#include <everfold/log/frame_reader.hpp>

#include <algorithm>
#include <utility>

namespace everfold::log {

namespace {

// Large enough that the calls cost nothing beside the bytes, small enough to stay in cache.
constexpr std::size_t read_ahead = 256_KiB;

} // namespace

std::string_view in_words(frame_fault fault) noexcept {
    switch (fault) {
    case frame_fault::none:
        return "no fault";
    case frame_fault::end_of_segment:
        return "the segment ends here, though more was written";
    case frame_fault::header:
        return "no frame begins here, though one was written";
    case frame_fault::length:
        return "a frame says that it is longer than can be";
    case frame_fault::body:
        return "the content of a frame does not match its checksum";
    case frame_fault::trailer:
        return "the end of a frame does not match its beginning";
    }
    return "an unknown fault";
}

frame_reader::frame_reader(
    std::shared_ptr<segment_source> source, std::uint64_t header_seed, std::uint32_t batch_bytes_max
)
    : source_{std::move(source)}
    , seed_{header_seed}
    , batch_bytes_max_{batch_bytes_max} {}

bytes_view frame_reader::window(std::uint64_t at, std::size_t size, std::size_t alone) {
    if (at >= buffer_at_ && at + size <= buffer_at_ + buffer_size_)
        return bytes_view{buffer_}.subspan(static_cast<std::size_t>(at - buffer_at_), size);
    const bool is_sequential =
        at == expected_next_ || (at > buffer_at_ && at <= buffer_at_ + buffer_size_);
    const auto wanted = std::max(size, is_sequential ? read_ahead : alone);
    if (buffer_.size() < wanted) {
        buffer_ = {}; // or it would be copied, and grow by more than is wanted
        buffer_.resize(wanted);
    }
    buffer_at_ = at;
    buffer_size_ = 0; // where the read throws
    buffer_size_ = source_->read_at(byte_offset{at}, std::span{buffer_}.first(wanted), scratch_);
    return bytes_view{buffer_}.first(std::min(size, buffer_size_));
}

const frame_view* frame_reader::fail(frame_fault fault) noexcept {
    fault_ = fault;
    return nullptr;
}

const frame_view* frame_reader::read(byte_offset at, byte_offset end, std::size_t believed) {
    if (at >= end)
        return fail(frame_fault::end_of_segment);
    const auto room = end - at;
    if (room < frame_overhead)
        return fail(frame_fault::header);
    // An index may say anything.
    const auto alone =
        std::clamp(believed, frame_header_size, std::size_t{batch_bytes_max_} + frame_overhead);
    const auto header_bytes = window(at.value(), frame_header_size, alone);
    if (header_bytes.empty())
        return fail(frame_fault::end_of_segment);
    const auto header = decode_frame_header(header_bytes, seed_, at);
    if (!header)
        return fail(frame_fault::header);
    if (header->body_length > batch_bytes_max_ || header->body_length % 8 != 0 ||
        header->frame_size() > room)
        return fail(frame_fault::length);
    const auto size = static_cast<std::size_t>(header->frame_size());
    const auto frame = window(at.value(), size);
    if (frame.size() < size)
        return fail(frame_fault::length);
    const auto body = frame.subspan(frame_header_size, header->body_length);
    frame_ = {at, *header, body};
    if (checksum(body, header->first.value()) != header->body_checksum)
        return fail(frame_fault::body);
    if (!trailer_matches(frame.last(frame_trailer_size), size))
        return fail(frame_fault::trailer);
    expected_next_ = at.value() + size;
    fault_ = frame_fault::none;
    return &frame_;
}

std::optional<frame_view> frame_reader::find_header(byte_offset from, byte_offset end) {
    for (auto at = aligned_8(from.value()); at + frame_header_size <= end.value(); at += 8) {
        const auto bytes = window(at, frame_header_size);
        expected_next_ = at + 8;
        if (const auto header = decode_frame_header(bytes, seed_, byte_offset{at}))
            return frame_view{byte_offset{at}, *header, {}};
    }
    return {};
}

std::uint64_t frame_reader::used_bytes_after(byte_offset from) {
    std::uint64_t used = 0;
    auto at = from.value();
    const auto size = source_->size();
    while (at < size) {
        expected_next_ = at;
        const auto piece =
            window(at, static_cast<std::size_t>(std::min<std::uint64_t>(read_ahead, size - at)));
        if (piece.empty())
            break;
        for (std::size_t i = piece.size(); i-- > 0;) {
            if (piece[i] != std::byte{0}) {
                used = at + i + 1 - from.value();
                break;
            }
        }
        at += piece.size();
    }
    return used;
}

} // namespace everfold::log
