// SPDX-License-Identifier: MIT
#include <everfold/cli/progress.hpp>
#include <everfold/cli/text.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

namespace everfold::cli {

namespace {

std::int64_t now_in_milliseconds() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

// 75 s as "1:15", and an hour more as "1:01:15".
std::string in_clock(std::int64_t seconds) {
    if (seconds >= 3600)
        return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

} // namespace

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
    std::string left;
    if (total_ != 0) {
        constexpr std::size_t width = 30;
        const auto share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
        const auto full = static_cast<std::size_t>(share * width);
        bar = fmt::format(
            " [{}{}] {:3.0f} %", std::string(full, '#'), std::string(width - full, '.'), share * 100
        );
        // What the first moments say of the rest is no better than a guess.
        if (elapsed >= 500 && share > 0)
            left =
                ", " +
                in_clock(std::llround(static_cast<double>(elapsed) * (1 - share) / share / 1000)) +
                " left";
    }
    static_cast<void>(std::fputs(
        fmt::format(
            "\r{}{}  {} events, {}/s{}\x1b[K",
            what_,
            bar,
            with_thousands(events),
            with_thousands(rate),
            left
        )
            .c_str(),
        stderr
    ));
}

} // namespace everfold::cli
