// SPDX-License-Identifier: MIT
#include "raw_scan.hpp"

#include <everfold/base/bytes.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/record.hpp>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace everfold::testing {

namespace {

using namespace everfold::log;

constexpr std::size_t window = std::size_t{1} << 20U;

class raw_scan {
public:
    explicit raw_scan(const std::string& path)
        : file_{path, std::ios::binary} {
        fill();
        if (have_ < segment_header_size)
            throw std::runtime_error{"no segment"};
        const auto header =
            decode_segment_header(bytes_view{buffer_}.first(segment_header_size), path);
        seed_ = header_seed(header.log_id, header.id);
        begin_ = segment_header_size;
    }

    std::uint64_t run() {
        for (auto frame = next_frame(); !frame.empty(); frame = next_frame())
            take(frame);
        return events_;
    }

private:
    /// Keeps what is not used, and reads behind it.
    void fill() {
        std::copy(
            buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(have_),
            buffer_.begin()
        );
        at_ += begin_;
        have_ -= begin_;
        begin_ = 0;
        auto* to = reinterpret_cast<char*>(buffer_.data() + have_);
        file_.read(to, static_cast<std::streamsize>(buffer_.size() - have_));
        have_ += static_cast<std::size_t>(file_.gcount());
    }

    bytes_view need(std::size_t size) {
        if (have_ - begin_ < size)
            fill();
        if (have_ - begin_ < size)
            return {};
        return bytes_view{buffer_}.subspan(begin_, size);
    }

    /// The records of the next frame that checks.
    bytes_view next_frame() {
        const auto head = need(frame_header_size);
        if (head.empty())
            return {};
        const byte_offset at{at_ + begin_};
        const auto header = decode_frame_header(head, seed_, at);
        if (!header)
            return {};
        const auto size = static_cast<std::size_t>(header->frame_size());
        if (size > buffer_.size())
            buffer_.resize(size);
        const auto frame = need(size);
        if (frame.empty())
            return {};
        const auto body = frame.subspan(frame_header_size, header->body_length);
        if (checksum(body, header->first.value()) != header->body_checksum ||
            !trailer_matches(frame.last(frame_trailer_size), size))
            return {};
        begin_ += size;
        records_at_ = at.value() + frame_header_size + append_id_size;
        return header->kind == frame_kind::batch ? body.subspan(append_id_size) : frame.first(1);
    }

    void take(bytes_view records) {
        for (auto at = records_at_; records.size() >= 8;) {
            const auto size = load_le<std::uint32_t>(records.data());
            if (size < 24 || size > records.size())
                throw std::runtime_error{"no record"};
            if (load_le<std::uint16_t>(records.data() + 4) != names_record_mark) {
                const auto stream = load_le<std::uint32_t>(records.data() + 8);
                if (stream >= streams_.size())
                    streams_.resize(std::size_t{stream} + 1);
                streams_[stream].push_back(static_cast<std::uint32_t>(at / 8));
                ++events_;
            }
            records = records.subspan(size);
            at += size;
        }
    }

    std::ifstream file_;
    byte_buffer buffer_ = byte_buffer(window);
    std::uint64_t at_{}; // of the buffer's first byte
    std::size_t begin_{};
    std::size_t have_{};
    std::uint64_t seed_{};
    std::uint64_t records_at_{};
    std::uint64_t events_{};
    std::vector<std::vector<std::uint32_t>> streams_{};
};

} // namespace

std::uint64_t scan_raw(const std::string& segment_file) {
    return raw_scan{segment_file}.run();
}

} // namespace everfold::testing
