// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/store/stream_turns.hpp>

#include <condition_variable>
#include <deque>
#include <thread>
#include <utility>

namespace everfold {

namespace detail {

/// One thread that waits. It lives on that thread's stack, and each is woken alone: a line of a
/// hundred does not wake a hundred for each turn.
struct waiting_thread {
    std::thread::id who{};
    std::condition_variable called{};
};

struct stream_line {
    std::string stream{};
    std::thread::id holder{};
    std::size_t depth{}; // how many turns the holder has, one inside the other
    std::deque<waiting_thread*> waiting{};
};

} // namespace detail

stream_turns::turn::turn(turn&& from) noexcept
    : home_{std::exchange(from.home_, nullptr)}
    , line_{from.line_} {}

stream_turns::turn::~turn() {
    if (home_ != nullptr)
        home_->end(*line_);
}

stream_turns::stream_turns() = default;

stream_turns::~stream_turns() {
    check(lines_.empty(), "a store outlives the turns at its streams");
}

stream_turns::turn stream_turns::wait_for(std::string_view stream) {
    const auto me = std::this_thread::get_id();
    std::unique_lock all{all_};
    auto [place, is_new] = lines_.try_emplace(std::string{stream});
    if (is_new) {
        try {
            place->second = std::make_unique<detail::stream_line>();
            place->second->stream = stream;
        } catch (...) {
            lines_.erase(place);
            throw;
        }
    }
    auto& line = *place->second;
    if (line.depth != 0 && line.holder != me) {
        detail::waiting_thread mine{.who = me};
        line.waiting.push_back(&mine);
        // The one before hands over by name, so that nobody who comes by in between is first.
        mine.called.wait(all, [&] { return line.holder == me; });
    } else {
        line.holder = me;
        ++line.depth;
    }
    return {*this, line};
}

void stream_turns::end(detail::stream_line& line) noexcept {
    const std::lock_guard all{all_};
    check(line.holder == std::this_thread::get_id(), "a turn ends in the thread that took it");
    if (--line.depth != 0)
        return;
    if (line.waiting.empty()) {
        lines_.erase(lines_.find(line.stream));
        return;
    }
    auto* next = line.waiting.front();
    line.waiting.pop_front();
    line.holder = next->who;
    line.depth = 1;
    next->called.notify_one(); // under the lock: it may be gone once it is let go
}

std::size_t stream_turns::waiting(std::string_view stream) const {
    const std::lock_guard all{all_};
    const auto found = lines_.find(std::string{stream});
    return found == lines_.end() ? 0 : found->second->waiting.size();
}

} // namespace everfold
