// SPDX-License-Identifier: MIT
// The compressed form of a sealed segment. docs/log_format.md, "Archived segment".

#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/archive_format.hpp>
#include <everfold/log/columns.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/source.hpp>

#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace everfold::log {

namespace {

constexpr int compression_level = 3;

class archive_source final : public segment_source {
public:
    archive_source(
        std::shared_ptr<io::file> file, std::string path, const uuid& log_id, std::uint64_t id
    )
        : file_{std::move(file)}
        , path_{std::move(path)}
        , segment_id_{id}
        , stored_size_{file_->size()} {
        read_trailer(log_id);
    }

    std::size_t read_at(byte_offset at, std::span<std::byte> into, scratch& mine) override {
        std::size_t done = 0;
        while (done < into.size() && at.value() + done < size_) {
            const auto offset = at.value() + done;
            load_block(offset / piece_size, mine);
            const auto in_block = static_cast<std::size_t>(offset % piece_size);
            const auto count = std::min(into.size() - done, mine.raw.size() - in_block);
            std::copy_n(
                mine.raw.begin() + static_cast<std::ptrdiff_t>(in_block),
                count,
                into.begin() + static_cast<std::ptrdiff_t>(done)
            );
            done += count;
        }
        return done;
    }

    std::uint64_t size() override { return size_; }

    std::uint64_t stored_size() override { return stored_size_; }

    [[nodiscard]] const std::string& file_name() const noexcept override { return path_; }

private:
    [[noreturn]] void fail(std::uint64_t at, const char* what) const {
        throw corruption{path_, byte_offset{at}, what};
    }

    void read_exactly(std::uint64_t at, std::span<std::byte> into) const {
        if (file_->read_at(byte_offset{at}, into) != into.size())
            fail(at, "the archive is cut short");
    }

    void read_trailer(const uuid& log_id) {
        if (stored_size_ < archive_trailer_size)
            fail(0, "the archive is cut short");
        const auto trailer_at = stored_size_ - archive_trailer_size;
        std::array<std::byte, archive_trailer_size> trailer{};
        read_exactly(trailer_at, trailer);
        if (!std::equal(
                archive_trailer_magic.begin(), archive_trailer_magic.end(), trailer.begin()
            ))
            fail(trailer_at, "the archive does not end in its trailer");
        const auto list_at = load_le<std::uint64_t>(trailer.data() + 48);
        const auto count = load_le<std::uint32_t>(trailer.data() + 40);
        if (list_at > trailer_at || trailer_at - list_at != std::uint64_t{count} * 8)
            fail(trailer_at, "the archive's block list has the wrong size");
        byte_buffer covered(static_cast<std::size_t>(count) * 8);
        read_exactly(list_at, covered);
        append_bytes(covered, bytes_view{trailer}.first(archive_trailer_size - 8));
        if (load_le<std::uint64_t>(trailer.data() + archive_trailer_size - 8) !=
            checksum(covered, 0))
            fail(trailer_at, "the archive's trailer does not match its checksum");
        size_ = load_le<std::uint64_t>(trailer.data() + 32);
        if (!std::equal(log_id.octets.begin(), log_id.octets.end(), trailer.begin() + 8) ||
            load_le<std::uint64_t>(trailer.data() + 24) != segment_id_ ||
            load_le<std::uint32_t>(trailer.data() + 44) != piece_size ||
            count != size_ / piece_size + (size_ % piece_size != 0 ? 1 : 0))
            fail(trailer_at, "the archive is of another segment");
        for (std::uint32_t i = 0; i < count; ++i)
            blocks_.push_back(load_le<std::uint64_t>(covered.data() + std::size_t{8} * i));
        blocks_.push_back(list_at);
    }

    void load_block(std::uint64_t number, scratch& mine) const {
        if (mine.block == number)
            return;
        mine.block = ~std::uint64_t{0};
        const auto at = blocks_[number];
        const auto end = blocks_[number + 1];
        if (end < at || end - at < block_header_size ||
            end - at > block_header_size + piece_size + 8)
            fail(at, "a block of the archive has the wrong size");
        mine.stored.resize(static_cast<std::size_t>(end - at));
        read_exactly(at, mine.stored);
        unpack(number, mine);
        mine.block = number;
    }

    void unpack(std::uint64_t number, scratch& mine) const {
        const auto at = blocks_[number];
        const auto raw_offset = number * piece_size;
        const auto raw_size =
            static_cast<std::size_t>(std::min<std::uint64_t>(piece_size, size_ - raw_offset));
        const auto* header = mine.stored.data();
        const std::size_t stored = load_le<std::uint32_t>(header + 4);
        const auto body = bytes_view{mine.stored}.subspan(block_header_size);
        if (load_le<std::uint32_t>(header) != block_magic || aligned_8(stored) != body.size() ||
            load_le<std::uint32_t>(header + 8) != raw_size ||
            load_le<std::uint64_t>(header + 16) != raw_offset)
            fail(at, "a block of the archive does not belong here");
        const auto data = body.first(stored);
        if (load_le<std::uint64_t>(header + 24) != checksum(data, segment_id_ + raw_offset))
            fail(at, "a block of the archive does not match its checksum");
        if (std::ranges::any_of(body.subspan(stored), [](std::byte b) {
                return b != std::byte{0};
            }))
            fail(at, "what pads a block of the archive is not zero");
        mine.raw.resize(raw_size);
        switch (static_cast<block_form>(load_le<std::uint32_t>(header + 12))) {
        case block_form::raw:
            if (stored != raw_size)
                fail(at, "a block of the archive has the wrong length");
            std::ranges::copy(data, mine.raw.begin());
            return;
        case block_form::zstd: {
            const auto n =
                ZSTD_decompress(mine.raw.data(), mine.raw.size(), data.data(), data.size());
            require_memory(n);
            if (ZSTD_isError(n) != 0 || n != raw_size)
                fail(at, "a block of the archive does not unpack");
            return;
        }
        case block_form::columns:
            if (!unpack_columns(data, mine.raw))
                fail(at, "a block of the archive does not unpack");
            return;
        }
        fail(at, "a block of the archive is stored in an unknown form");
    }

    std::shared_ptr<io::file> file_;
    std::string path_;
    std::uint64_t segment_id_;
    std::uint64_t stored_size_;
    std::uint64_t size_{};
    std::vector<std::uint64_t> blocks_{};
};

/// Columns of the piece, if they are smaller than `size` and give it back.
std::optional<byte_buffer>
columns_below(std::size_t size, column_packer& packer, bytes_view piece, std::uint64_t at) {
    auto packed = packer.pack(piece, at, compression_level);
    if (!packed || packed->size() >= size)
        return {};
    byte_buffer again(piece.size());
    if (!unpack_columns(*packed, again) || !std::ranges::equal(again, piece))
        return {};
    return packed;
}

/// One block, header included, appended to `out`.
void append_block(
    byte_buffer& out,
    column_packer& packer,
    bytes_view piece,
    std::uint64_t raw_offset,
    std::uint64_t segment_id
) {
    byte_buffer packed(ZSTD_compressBound(piece.size()));
    const auto n =
        ZSTD_compress(packed.data(), packed.size(), piece.data(), piece.size(), compression_level);
    // Not worth unpacking for less than an eighth.
    const auto worth = piece.size() - piece.size() / 8;
    const bool pays = ZSTD_isError(n) == 0 && n < worth;
    auto data = pays ? bytes_view{packed}.first(n) : piece;
    auto form = pays ? block_form::zstd : block_form::raw;
    const auto columns = columns_below(std::min(data.size(), worth), packer, piece, raw_offset);
    if (columns) {
        data = *columns;
        form = block_form::columns;
    }
    append_le(out, block_magic);
    append_le(out, static_cast<std::uint32_t>(data.size()));
    append_le(out, static_cast<std::uint32_t>(piece.size()));
    append_le(out, static_cast<std::uint32_t>(form));
    append_le(out, raw_offset);
    append_le(out, checksum(data, segment_id + raw_offset));
    append_bytes(out, data);
    out.resize(aligned_8(out.size()));
}

void append_trailer(
    byte_buffer& out,
    const std::vector<std::uint64_t>& blocks,
    const uuid& log_id,
    std::uint64_t segment_id,
    std::uint64_t raw_size,
    std::uint64_t list_at
) {
    for (const auto at : blocks)
        append_le(out, at);
    append_bytes(out, archive_trailer_magic);
    append_bytes(out, log_id.octets);
    append_le(out, segment_id);
    append_le(out, raw_size);
    append_le(out, static_cast<std::uint32_t>(blocks.size()));
    append_le(out, static_cast<std::uint32_t>(piece_size));
    append_le(out, list_at);
    append_le(out, checksum(out, 0));
}

void require_equal(segment_source& from, segment_source& copy, const std::string& path) {
    segment_source::scratch from_scratch;
    segment_source::scratch copy_scratch;
    byte_buffer a(piece_size);
    byte_buffer b(piece_size);
    const auto size = from.size();
    if (copy.size() != size)
        throw corruption{path, byte_offset{0}, "the new archive has not the size of its source"};
    for (std::uint64_t at = 0; at < size; at += piece_size) {
        const auto n = from.read_at(byte_offset{at}, a, from_scratch);
        if (copy.read_at(byte_offset{at}, b, copy_scratch) != n ||
            !std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n), b.begin()))
            throw corruption{path, byte_offset{at}, "the new archive differs from its source"};
    }
}

} // namespace

std::shared_ptr<segment_source> open_archive(
    std::shared_ptr<io::file> file, std::string path, const uuid& log_id, std::uint64_t segment_id
) {
    return std::make_shared<archive_source>(std::move(file), std::move(path), log_id, segment_id);
}

std::shared_ptr<segment_source> write_archive(
    io::file_system& files,
    const std::string& path,
    segment_source& from,
    const uuid& log_id,
    std::uint64_t segment_id,
    const std::stop_token& stop
) {
    const std::shared_ptr<io::file> file = files.open(path, io::open_mode::create_new);
    segment_source::scratch mine;
    column_packer packer;
    byte_buffer piece(piece_size);
    byte_buffer out;
    std::vector<std::uint64_t> blocks;
    std::uint64_t written = 0;
    const auto size = from.size();
    for (std::uint64_t at = 0; at < size; at += piece_size) {
        if (stop.stop_requested())
            return nullptr;
        const auto n = from.read_at(byte_offset{at}, piece, mine);
        check(
            n == std::min<std::uint64_t>(piece_size, size - at), "a sealed segment keeps its size"
        );
        out.clear();
        append_block(out, packer, bytes_view{piece}.first(n), at, segment_id);
        file->write_at(byte_offset{written}, out);
        blocks.push_back(written);
        written += out.size();
    }
    out.clear();
    append_trailer(out, blocks, log_id, segment_id, size, written);
    file->write_at(byte_offset{written}, out);
    file->sync_all();
    auto archive = open_archive(file, path, log_id, segment_id);
    require_equal(from, *archive, path);
    return archive;
}

} // namespace everfold::log
