// SPDX-License-Identifier: MIT
#pragma once
// The lines of an access log, plain or compressed with Zstandard.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace web_server {

/// Compressed bytes that can't be decompressed.
class damaged_file : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Cuts bytes into lines. Bounded memory, whatever the file holds.
class access_log_lines {
public:
    /// Apache's own limit is 8 KiB for each header. So long a line, escaped, is below the largest
    /// event that a log takes.
    static constexpr std::size_t line_bytes_max = 64U << 10U;

    /// `read` fills its argument and says how many bytes it wrote, 0 at the end.
    explicit access_log_lines(std::function<std::size_t(char*, std::size_t)> read);
    access_log_lines(const access_log_lines&) = delete;
    access_log_lines& operator=(const access_log_lines&) = delete;
    access_log_lines(access_log_lines&&) = delete;
    access_log_lines& operator=(access_log_lines&&) = delete;
    ~access_log_lines();

    /// The next line without its end (LF or CR LF), or false after the last one. Of a line that is
    /// too long it is the beginning, of line_bytes_max + 1 bytes; the rest is passed over. The view
    /// lives until the next call. Failure: damaged_file.
    [[nodiscard]] bool next(std::string_view& line);

    /// Of the line that next() gave last, from 1.
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

    /// Taken from `read` so far.
    [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }

private:
    class decompressor;

    std::size_t take(char* to, std::size_t size);
    bool fill();

    std::function<std::size_t(char*, std::size_t)> read_;
    std::unique_ptr<decompressor> decompressor_{};
    std::string buffer_{};
    std::size_t begin_{};
    bool has_begun_{};
    bool is_at_end_{};
    std::uint64_t number_{};
    std::uint64_t bytes_read_{};
};

} // namespace web_server
