// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/head_watch.hpp>
#include <everfold/log/manifest.hpp>

#include <algorithm>
#include <thread>
#include <utility>

namespace everfold::log {

namespace {

// Where nobody can wake us.
constexpr std::chrono::milliseconds poll_interval{2};

} // namespace

head_watch::head_watch(
    io::machine machine, std::string directory, std::chrono::milliseconds look_again
)
    : machine_{std::move(machine)}
    , directory_{std::move(directory)}
    , look_again_{look_again} {}

void head_watch::wait(std::optional<std::uint32_t> word, std::chrono::nanoseconds timeout) {
    using slept = io::wait_word::slept;
    const auto on = word ? current_word() : nullptr;
    const auto outcome =
        on == nullptr ? slept::not_at_all
                      : on->wait(*word, std::min<std::chrono::nanoseconds>(look_again_, timeout));
    if (outcome == slept::not_at_all)
        std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(poll_interval, timeout));
    const std::lock_guard lock{mutex_};
    ++(outcome == slept::until_woken     ? counts_.woken
       : outcome == slept::until_timeout ? counts_.timed_out
                                         : counts_.not_possible);
    // The file may have been replaced, and whoever writes the new one wakes nobody here.
    if (outcome != slept::until_woken)
        word_.reset();
}

std::shared_ptr<io::wait_word> head_watch::current_word() {
    const std::lock_guard lock{mutex_};
    if (word_ == nullptr) {
        try {
            word_ = machine_.files->open(io::join(directory_, head_name), io::open_mode::read)
                        ->word_at(slot_word(head_slot_size));
        } catch (const io_error&) { // NOLINT(bugprone-empty-catch)
            // Whoever reads the head mark next says what is wrong with it.
        }
    }
    return word_;
}

head_watch::counts head_watch::count() const {
    const std::lock_guard lock{mutex_};
    return counts_;
}

} // namespace everfold::log
