// SPDX-License-Identifier: MIT
#include "output.hpp"

#include "failure.hpp"

#include <everfold/base/bytes.hpp>
#include <everfold/base/check.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace users {

namespace {

constexpr std::size_t buffer_bytes = 64U << 10U;

std::int64_t now_in_milliseconds() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

bool is_wide(std::uint32_t c) {
    return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF && c != 0x303F) ||
           (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
           (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) ||
           (c >= 0x20000 && c <= 0x3FFFD);
}

bool is_combining(std::uint32_t c) {
    return (c >= 0x0300 && c <= 0x036F) || (c >= 0x20D0 && c <= 0x20FF) ||
           (c >= 0xFE00 && c <= 0xFE0F) || c == 0x200B || c == 0x200D;
}

} // namespace

output::output(int descriptor, std::string name)
    : descriptor_{descriptor}
    , name_{std::move(name)}
    , is_terminal_{::isatty(descriptor) == 1} {
    const auto* no_colour = std::getenv("NO_COLOR");
    const auto* kind = std::getenv("TERM");
    is_coloured_ = is_terminal_ && (no_colour == nullptr || *no_colour == '\0') &&
                   (kind == nullptr || std::string_view{kind} != "dumb");
}

std::string output::in(colour c, std::string_view text) const {
    constexpr std::array<std::string_view, 7> codes{"", "1", "2", "31", "32", "33", "36"};
    if (!is_coloured_ || c == colour::none)
        return std::string{text};
    return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<std::size_t>(c)], text);
}

void output::write(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= buffer_bytes)
        flush();
}

void output::write_json_line(std::string_view json) {
    if (is_terminal_)
        write(escaped_json(json));
    else
        write(json);
    write("\n");
}

void output::flush() {
    std::string_view rest = buffer_;
    while (!rest.empty()) {
        const auto count = ::write(descriptor_, rest.data(), rest.size());
        if (count >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            const auto reason = errno;
            buffer_.clear();
            throw input_output_error{fmt::format(
                "can't write to {}: {}; the log is not affected", name_, std::strerror(reason)
            )};
        }
    }
    buffer_.clear();
}

table::table(std::vector<column> columns)
    : columns_{std::move(columns)} {
    for (const auto& c : columns_)
        widths_.push_back(display_width(c.title));
}

void table::add(std::vector<cell> row) {
    everfold::check(row.size() == columns_.size(), "a table's row has a cell for each column");
    for (std::size_t i = 0; i < row.size(); ++i) {
        row[i].text = everfold::printable(row[i].text);
        widths_[i] = std::max(widths_[i], display_width(row[i].text));
    }
    rows_.push_back(std::move(row));
}

void table::print(output& out) const {
    const auto line = [&](auto&& text_of, auto&& tint_of) {
        std::string row;
        std::string blanks; // written only once something follows them
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const std::string& text = text_of(i);
            const auto padding = std::string(widths_[i] - display_width(text), ' ');
            blanks += columns_[i].alignment == align::right ? "  " + padding : "  ";
            if (!text.empty())
                row += std::exchange(blanks, {}) + out.in(tint_of(i), text);
            if (columns_[i].alignment == align::left)
                blanks += padding;
        }
        out.write(row + '\n');
    };
    line(
        [&](std::size_t i) -> const std::string& { return columns_[i].title; },
        [](std::size_t) { return colour::bold; }
    );
    for (const auto& row : rows_)
        line(
            [&](std::size_t i) -> const std::string& { return row[i].text; },
            [&](std::size_t i) { return row[i].tint; }
        );
}

progress::progress(std::string what, std::uint64_t total)
    : what_{std::move(what)}
    , total_{total}
    , is_shown_{::isatty(STDERR_FILENO) == 1}
    , started_{now_in_milliseconds()} {}

progress::~progress() {
    if (drawn_ != 0)
        static_cast<void>(std::fputs("\r\x1b[K", stderr));
}

void progress::update(std::uint64_t done, std::uint64_t events) {
    const auto now = now_in_milliseconds();
    if (!is_shown_ || now - drawn_ < 50)
        return;
    drawn_ = now;
    const auto elapsed = std::max<std::int64_t>(now - started_, 1);
    const auto rate = events * 1000 / static_cast<std::uint64_t>(elapsed);
    std::string bar;
    if (total_ != 0) {
        constexpr std::size_t width = 30;
        const auto share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
        const auto full = static_cast<std::size_t>(share * width);
        bar = fmt::format(
            " [{}{}] {:3.0f} %", std::string(full, '#'), std::string(width - full, '.'), share * 100
        );
    }
    static_cast<void>(std::fputs(
        fmt::format(
            "\r{}{}  {} events, {}/s\x1b[K",
            what_,
            bar,
            with_thousands(events),
            with_thousands(rate)
        )
            .c_str(),
        stderr
    ));
}

std::string with_thousands(std::uint64_t n) {
    auto out = std::to_string(n);
    for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > 0; at -= 3)
        out.insert(static_cast<std::size_t>(at), 1, ',');
    return out;
}

std::string in_units(std::uint64_t bytes) {
    if (bytes < 1024)
        return fmt::format("{} bytes", bytes);
    auto size = static_cast<double>(bytes);
    std::string_view unit;
    for (const std::string_view next : {"KiB", "MiB", "GiB", "TiB"}) {
        if (size < 1024)
            break;
        size /= 1024;
        unit = next;
    }
    return fmt::format("{:.1f} {}", size, unit);
}

std::string counted(std::uint64_t n, std::string_view noun) {
    return fmt::format("{} {}{}", with_thousands(n), noun, n == 1 ? "" : "s");
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        std::uint32_t point = lead < 0x80 ? lead : lead & (0x7FU >> length);
        for (std::size_t i = 1; i < length && at + i < text.size(); ++i)
            point = (point << 6U) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
        width += is_combining(point) ? 0 : is_wide(point) ? 2 : 1;
        at += length;
    }
    return width;
}

std::string escaped_json(std::string_view json) {
    std::string out;
    out.reserve(json.size());
    const auto byte = [&](std::size_t at) {
        return at < json.size() ? static_cast<unsigned char>(json[at]) : 0U;
    };
    for (std::size_t at = 0; at < json.size();) {
        std::uint32_t point = byte(at);
        std::size_t length = 1;
        if (point == 0xC2) {
            point = byte(at + 1);
            length = 2;
        } else if (point == 0xE2) {
            point = 0x2000U | ((byte(at + 1) & 0x3FU) << 6U) | (byte(at + 2) & 0x3FU);
            length = 3;
        } else if (point >= 0x80) {
            out += json[at++];
            continue;
        }
        const bool is_hidden = (point >= 0x7F && point <= 0x9F) || point == 0x200E ||
                               point == 0x200F || (point >= 0x2028 && point <= 0x202E) ||
                               (point >= 0x2066 && point <= 0x2069);
        if (is_hidden)
            out += fmt::format("\\u{:04x}", point);
        else
            out.append(json.substr(at, length));
        at += length;
    }
    return out;
}

} // namespace users
