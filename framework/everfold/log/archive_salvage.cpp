// SPDX-License-Identifier: MIT
// An archive whose trailer is gone, read by its blocks. docs/log_format.md, "Archived segment".

#include <everfold/base/error.hpp>
#include <everfold/log/archive_format.hpp>
#include <everfold/log/columns.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/source.hpp>

#include <zstd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace everfold::log {

namespace {

struct block_header {
    std::uint32_t stored{};
    std::uint32_t raw{};
    block_form form{};
    std::uint64_t raw_offset{};
    std::uint64_t sum{};

    [[nodiscard]] std::uint64_t size() const noexcept {
        return block_header_size + aligned_8(stored);
    }
};

/// The file, with another end than the one it has: a trailer that says what its blocks say.
class mended_file final : public io::file {
public:
    mended_file(std::shared_ptr<io::file> from, std::uint64_t kept, byte_buffer end)
        : file_{std::move(from)}
        , kept_{kept}
        , end_{std::move(end)} {}

    std::size_t read_at(byte_offset at, std::span<std::byte> into) override {
        std::size_t done = 0;
        if (at.value() < kept_) {
            const auto wanted = std::min<std::uint64_t>(into.size(), kept_ - at.value());
            done = file_->read_at(at, into.first(static_cast<std::size_t>(wanted)));
            if (done < wanted)
                return done;
        }
        const auto from = at.value() + done - kept_;
        if (from >= end_.size())
            return done;
        const auto more = std::min<std::uint64_t>(into.size() - done, end_.size() - from);
        std::copy_n(
            end_.begin() + static_cast<std::ptrdiff_t>(from),
            more,
            into.begin() + static_cast<std::ptrdiff_t>(done)
        );
        return done + static_cast<std::size_t>(more);
    }

    std::uint64_t size() override { return kept_ + end_.size(); }

    void write_at(byte_offset, bytes_view) override { refuse(); }
    void sync_data() override { refuse(); }
    void sync_all() override { refuse(); }
    void truncate(std::uint64_t) override { refuse(); }
    std::unique_ptr<const io::mapping> map() override { refuse(); }

private:
    [[noreturn]] static void refuse() {
        throw error{errc::read_only, "an archive that is damaged is only read"};
    }

    std::shared_ptr<io::file> file_;
    std::uint64_t kept_;
    byte_buffer end_;
};

class block_finder {
public:
    explicit block_finder(io::file& in)
        : file_{&in}
        , size_{in.size()} {}

    /// A header that can be one, whatever its block holds.
    [[nodiscard]] std::optional<block_header> header_at(std::uint64_t at) {
        const auto bytes = read(at, block_header_size);
        if (bytes.size() < block_header_size || load_le<std::uint32_t>(bytes.data()) != block_magic)
            return {};
        const block_header h{
            load_le<std::uint32_t>(bytes.data() + 4),
            load_le<std::uint32_t>(bytes.data() + 8),
            static_cast<block_form>(load_le<std::uint32_t>(bytes.data() + 12)),
            load_le<std::uint64_t>(bytes.data() + 16),
            load_le<std::uint64_t>(bytes.data() + 24)};
        if (h.raw == 0 || h.raw > piece_size || h.stored > piece_size ||
            h.raw_offset % piece_size != 0 || at + h.size() > size_)
            return {};
        return h;
    }

    [[nodiscard]] bool holds(std::uint64_t at, const block_header& h, std::uint64_t segment_id) {
        const auto data = read(at + block_header_size, h.stored);
        return data.size() == h.stored && checksum(data, segment_id + h.raw_offset) == h.sum;
    }

    /// The segment's own header is at the beginning of the first block.
    [[nodiscard]] std::optional<std::uint64_t> segment_id() {
        const auto h = header_at(0);
        if (!h || h->raw_offset != 0)
            return {};
        const auto data = read(block_header_size, h->stored);
        byte_buffer raw(data.begin(), data.end());
        if (h->form == block_form::zstd) {
            raw.resize(h->raw);
            const auto n = ZSTD_decompress(raw.data(), raw.size(), data.data(), data.size());
            require_memory(n);
            if (ZSTD_isError(n) != 0)
                return {};
            raw.resize(n);
        } else if (h->form == block_form::columns) {
            raw.resize(h->raw);
            if (!unpack_columns(data, raw))
                return {};
        }
        try {
            return decode_segment_header(raw, {}).id;
        } catch (const error&) {
            return {};
        }
    }

    struct blocks {
        std::vector<std::uint64_t> at{};
        std::uint64_t end{};
        std::uint64_t raw_size{};
    };

    [[nodiscard]] blocks find(std::uint64_t segment_id) {
        blocks out;
        for (std::uint64_t at = 0; at + block_header_size <= size_;) {
            const auto h = header_at(at);
            const auto number = h ? h->raw_offset / piece_size : 0;
            // Not further ahead than the bytes between can have held, at their smallest.
            if (!h || number < out.at.size() ||
                number - out.at.size() > (at - out.end) / block_header_size ||
                !holds(at, *h, segment_id)) {
                at += 8;
                continue;
            }
            // What lies between is there, and will be found not to check.
            for (bool is_first = true; out.at.size() < number; is_first = false)
                out.at.push_back(is_first ? out.end : at);
            out.at.push_back(at);
            at += h->size();
            out.end = at;
            out.raw_size = h->raw_offset + h->raw;
        }
        return out;
    }

private:
    [[nodiscard]] bytes_view read(std::uint64_t at, std::size_t size) {
        if (at < buffer_at_ || at + size > buffer_at_ + buffer_.size()) {
            buffer_at_ = at;
            buffer_.resize(std::max<std::size_t>(size, 2 * piece_size));
            try {
                buffer_.resize(file_->read_at(byte_offset{at}, buffer_));
            } catch (const io_error&) {
                buffer_.clear(); // a sector that can't be read is no block
            }
        }
        return bytes_view{buffer_}
            .subspan(static_cast<std::size_t>(at - buffer_at_))
            .first(std::min(size, buffer_.size() - static_cast<std::size_t>(at - buffer_at_)));
    }

    io::file* file_;
    std::uint64_t size_;
    byte_buffer buffer_{};
    std::uint64_t buffer_at_{};
};

/// As the trailer names them, whether or not it checks.
std::pair<uuid, std::uint64_t> names_in_trailer(io::file& file) {
    std::array<std::byte, archive_trailer_size> trailer{};
    const auto size = file.size();
    if (size < trailer.size() ||
        file.read_at(byte_offset{size - trailer.size()}, trailer) < trailer.size())
        return {};
    uuid log_id;
    std::copy_n(trailer.begin() + 8, 16, log_id.octets.begin());
    return {log_id, load_le<std::uint64_t>(trailer.data() + 24)};
}

} // namespace

std::shared_ptr<segment_source> salvage_archive(
    std::shared_ptr<io::file> file, std::string path, std::optional<std::uint64_t> segment_id
) {
    try {
        const auto [log_id, id] = names_in_trailer(*file);
        return open_archive(file, path, log_id, id);
    } catch (const error&) { // NOLINT(bugprone-empty-catch)
        // Without it, then.
    }
    block_finder finder{*file};
    if (!segment_id)
        segment_id = finder.segment_id();
    if (!segment_id)
        return nullptr;
    const auto found = finder.find(*segment_id);
    if (found.at.empty())
        return nullptr;
    byte_buffer end;
    for (const auto at : found.at)
        append_le(end, at);
    append_bytes(end, archive_trailer_magic);
    append_bytes(end, uuid{}.octets);
    append_le(end, *segment_id);
    append_le(end, found.raw_size);
    append_le(end, static_cast<std::uint32_t>(found.at.size()));
    append_le(end, static_cast<std::uint32_t>(piece_size));
    append_le(end, found.end);
    append_le(end, checksum(end, 0));
    auto mended = std::make_shared<mended_file>(std::move(file), found.end, std::move(end));
    return open_archive(std::move(mended), std::move(path), uuid{}, *segment_id);
}

} // namespace everfold::log
