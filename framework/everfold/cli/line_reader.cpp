// SPDX-License-Identifier: MIT
#include <everfold/cli/line_reader.hpp>

#include <utility>

namespace everfold::cli {

line_reader::line_reader(std::function<std::size_t(char*, std::size_t)> read, std::size_t bytes_max)
    : read_{std::move(read)}
    , bytes_max_{bytes_max} {}

bool line_reader::fill() {
    constexpr std::size_t piece = 256U << 10U;
    buffer_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
    buffer_.resize(end_ + piece);
    const auto count = read_(buffer_.data() + end_, piece);
    end_ += count;
    is_at_end_ = count == 0;
    return count != 0;
}

bool line_reader::next(std::string_view& line) {
    std::size_t searched = 0;
    for (;;) {
        const std::string_view rest{buffer_.data() + begin_, end_ - begin_};
        const auto cut = rest.find('\n', searched);
        const bool is_last = cut == std::string_view::npos && is_at_end_;
        if (is_last && rest.empty())
            return false;
        if ((cut == std::string_view::npos ? rest.size() : cut) > bytes_max_) {
            ++number_;
            throw malformed_line{"longer than 16 MiB"};
        }
        if (cut == std::string_view::npos && !is_last) {
            searched = rest.size();
            fill();
            continue;
        }
        const auto length = is_last ? rest.size() : cut + 1;
        line = rest.substr(0, is_last ? length : cut);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        begin_ += length;
        bytes_ += length;
        ++number_;
        return true;
    }
}

} // namespace everfold::cli
