// SPDX-License-Identifier: MIT
#pragma once
// Turns at streams: the threads of one process that would otherwise race for a stream queue for it.

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace everfold {

namespace detail {

struct stream_line; // who waits for one stream

} // namespace detail

/// Gives each stream to one thread at a time, in the order in which they asked. Nobody is kept from
/// appending: it is an agreement of those who ask, and streams do not wait for one another.
///
/// Owns:    a line for each stream that somebody has or waits for, and nothing for the others. It
///          outlives its turns.
/// Threads: any.
class stream_turns {
public:
    /// The thread has its turn until this is gone. Of the thread that took it.
    class [[nodiscard]] turn {
    public:
        turn(turn&& from) noexcept;
        turn& operator=(turn&&) = delete;
        turn(const turn&) = delete;
        turn& operator=(const turn&) = delete;
        ~turn();

    private:
        friend class stream_turns;
        turn(stream_turns& home, detail::stream_line& line) noexcept
            : home_{&home}
            , line_{&line} {}

        stream_turns* home_; // null: moved from
        detail::stream_line* line_;
    };

    stream_turns();
    stream_turns(const stream_turns&) = delete;
    stream_turns& operator=(const stream_turns&) = delete;
    stream_turns(stream_turns&&) = delete;
    stream_turns& operator=(stream_turns&&) = delete;
    ~stream_turns();

    /// Waits until all who asked before are done. A thread that has its turn has it again at once.
    /// Whoever needs two streams asks for them in one order, the same as everybody else, or two
    /// threads wait for each other for ever.
    turn wait_for(std::string_view stream);

    /// How many wait for the stream now, not counting the one who has it.
    [[nodiscard]] std::size_t waiting(std::string_view stream) const;

private:
    void end(detail::stream_line& line) noexcept;

    mutable std::mutex all_{}; // held for moments, never while somebody has a turn
    std::unordered_map<std::string, std::unique_ptr<detail::stream_line>> lines_;
};

} // namespace everfold
