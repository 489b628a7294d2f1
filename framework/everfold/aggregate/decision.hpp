// SPDX-License-Identifier: MIT
#pragma once
// One decision over a query: what it sees, and what it says has happened.

#include <everfold/base/timestamp.hpp>
#include <everfold/event/event.hpp>
#include <everfold/store/append.hpp>

#include <optional>
#include <string>
#include <utility>

namespace everfold {

namespace detail {

class boundary_engine;

/// The part of decision<State> that is compiled once.
class decision_base {
public:
    decision_base() = default;
    decision_base(const decision_base&) = delete;
    decision_base& operator=(const decision_base&) = delete;
    decision_base(decision_base&&) = delete;
    decision_base& operator=(decision_base&&) = delete;

    /// It has happened, and belongs into this stream. Appended with the rest of the decision, as a
    /// whole or not at all; within a stream in the order in which it was recorded. The state stays
    /// what it was decided on. Where it throws for what can't be encoded, nothing was recorded.
    template <event E>
    void record(std::string stream, const E& e) {
        add(std::move(stream), encoded(e));
    }

    /// The same, at this time.
    template <event E>
    void record(std::string stream, const E& e, timestamp occurred_at) {
        auto out = encoded(e);
        out.occurred_at = occurred_at;
        add(std::move(stream), std::move(out));
    }

    /// The decision stands only where the stream, written by it or not, looks like this.
    void expect(std::string stream, expected_revision expected);

protected:
    ~decision_base() = default;

private:
    friend class boundary_engine;

    void add(std::string stream, new_event e);

    append_request request_{};
};

} // namespace detail

/// Made by boundary::decide and passed to the user's function; lives during the call.
template <class State>
class decision : public detail::decision_base {
public:
    explicit decision(const State& state) noexcept
        : state_{state} {}

    /// What was read, folded.
    [[nodiscard]] const State& state() const noexcept { return state_; }

private:
    const State& state_;
};

} // namespace everfold
