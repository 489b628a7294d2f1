// SPDX-License-Identifier: MIT
#include <everfold/cli/failure.hpp>
#include <everfold/cli/output.hpp>
#include <everfold/cli/text.hpp>

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace everfold::cli {

namespace {

constexpr std::size_t buffer_bytes = 64U << 10U;

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

bool output::has_reader() const noexcept {
    // Asked for nothing, poll() still tells of the other end of a pipe that was closed.
    pollfd end{descriptor_, 0, 0};
    return ::poll(&end, 1, 0) <= 0 || (end.revents & POLLERR) == 0;
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
            throw input_output_error{
                fmt::format("can't write to {}: {}", name_, std::strerror(reason)),
                "the log is safe, and what this command recorded is in it",
                "see that somebody reads the output and that there is room for it, and ask the log "
                "before a command that writes is repeated"};
        }
    }
    buffer_.clear();
}

} // namespace everfold::cli
