// SPDX-License-Identifier: MIT
#include "access_log_lines.hpp"

#include <zstd.h>

#include <algorithm>
#include <new>
#include <utility>

namespace web_server {

namespace {

constexpr std::size_t piece = 256U << 10U;
constexpr std::string_view zstd_magic = "\x28\xB5\x2F\xFD";

} // namespace

/// Decompresses one frame after the other from what it is fed.
class access_log_lines::decompressor {
public:
    decompressor()
        : stream_{ZSTD_createDStream(), &ZSTD_freeDStream} {
        if (stream_ == nullptr)
            throw std::bad_alloc{};
    }

    void feed(std::string compressed) {
        compressed_ = std::move(compressed);
        input_ = {compressed_.data(), compressed_.size(), 0};
    }

    [[nodiscard]] bool is_hungry() const noexcept { return input_.pos == input_.size; }

    /// Whether the last frame was complete.
    [[nodiscard]] bool is_between_frames() const noexcept { return wanted_ == 0; }

    std::size_t decompress(char* to, std::size_t size) {
        ZSTD_outBuffer output{to, size, 0};
        wanted_ = ZSTD_decompressStream(stream_.get(), &output, &input_);
        if (ZSTD_isError(wanted_) != 0)
            throw damaged_file{std::string{"can't be decompressed: "} + ZSTD_getErrorName(wanted_)};
        is_full_ = output.pos == size;
        return output.pos;
    }

    /// Whether there may be more output without more input.
    [[nodiscard]] bool is_full() const noexcept { return is_full_; }

private:
    std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream_;
    std::string compressed_{};
    ZSTD_inBuffer input_{};
    std::size_t wanted_{};
    bool is_full_{};
};

access_log_lines::access_log_lines(std::function<std::size_t(char*, std::size_t)> read)
    : read_{std::move(read)} {}

access_log_lines::~access_log_lines() = default;

std::size_t access_log_lines::take(char* to, std::size_t size) {
    const auto count = read_(to, size);
    bytes_read_ += count;
    return count;
}

bool access_log_lines::fill() {
    buffer_.erase(0, std::exchange(begin_, 0));
    const auto end = buffer_.size();
    if (!has_begun_) {
        has_begun_ = true;
        std::string first(zstd_magic.size(), '\0');
        std::size_t count = 0;
        while (count < first.size()) {
            const auto more = take(first.data() + count, first.size() - count);
            if (more == 0)
                break;
            count += more;
        }
        first.resize(count);
        if (first != zstd_magic) {
            buffer_ = std::move(first);
            is_at_end_ = buffer_.empty();
            return !is_at_end_;
        }
        decompressor_ = std::make_unique<decompressor>();
        decompressor_->feed(std::move(first));
    }
    buffer_.resize(end + piece);
    std::size_t count = 0;
    if (decompressor_ == nullptr) {
        count = take(buffer_.data() + end, piece);
    } else {
        for (;;) {
            if (decompressor_->is_hungry() && !decompressor_->is_full()) {
                std::string compressed(piece, '\0');
                compressed.resize(take(compressed.data(), compressed.size()));
                if (compressed.empty()) {
                    if (!decompressor_->is_between_frames())
                        throw damaged_file{"can't be decompressed: it is cut off"};
                    break;
                }
                decompressor_->feed(std::move(compressed));
            }
            count = decompressor_->decompress(buffer_.data() + end, piece);
            if (count != 0)
                break;
        }
    }
    buffer_.resize(end + count);
    is_at_end_ = count == 0;
    return count != 0;
}

bool access_log_lines::next(std::string_view& line) {
    std::size_t searched = 0;
    for (;;) {
        const auto rest = std::string_view{buffer_}.substr(begin_);
        const auto cut = rest.find('\n', searched);
        if (cut == std::string_view::npos && !is_at_end_ && rest.size() <= line_bytes_max) {
            searched = rest.size();
            fill();
            continue;
        }
        if (cut == std::string_view::npos && rest.empty())
            return false;
        ++number_;
        if (cut != std::string_view::npos) {
            begin_ += cut + 1;
            line = rest.substr(0, cut);
        } else if (rest.size() <= line_bytes_max) {
            begin_ += rest.size();
            line = rest;
        } else {
            // Its end is not in memory yet. What is given is kept in front of what passes by.
            const std::string head{rest.substr(0, line_bytes_max + 1)};
            auto end = std::string::npos;
            do {
                begin_ = buffer_.size();
            } while (fill() && (end = buffer_.find('\n')) == std::string::npos);
            const auto passed = end == std::string::npos ? buffer_.size() : end + 1;
            buffer_.replace(0, passed, head);
            begin_ = head.size();
            line = std::string_view{buffer_}.substr(0, begin_);
            return true;
        }
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        line = line.substr(0, line_bytes_max + 1);
        return true;
    }
}

} // namespace web_server
