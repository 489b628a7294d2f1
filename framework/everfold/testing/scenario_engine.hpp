// SPDX-License-Identifier: MIT
#pragma once
// What a scenario does that does not depend on the type of the state. Compiled once.

#include <everfold/aggregate/describe_exception.hpp>
#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/store/append.hpp>
#include <everfold/store/store.hpp>
#include <everfold/testing/failed.hpp>
#include <everfold/testing/fake_clock.hpp>

#include <exception>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::testing::detail {

/// Owns the store, and knows what was given and what happened then.
class scenario_engine {
public:
    scenario_engine(
        std::string stream,
        std::vector<new_event> given,
        timestamp time,
        const std::source_location& where
    );

    [[nodiscard]] const store& events() const noexcept { return store_; }

    /// Appends what is given, and then folds it.
    template <class Fold>
    void give(const Fold& fold) {
        try {
            append_given();
            fold();
        } catch (const std::exception& e) {
            fail_given(e.what());
        }
    }

    /// Keeps what it throws.
    template <class Decide>
    void decide(const Decide& decide) {
        try {
            decide();
        } catch (...) {
            thrown_ = std::current_exception();
        }
        read_happened();
        if (thrown_ != nullptr && !happened_.empty())
            fail_torn();
    }

    /// Folds what happened once more.
    template <class Fold>
    void settle(const Fold& fold) const {
        try {
            fold();
        } catch (const failed&) {
            throw;
        } catch (const std::exception& e) {
            fail_happened(e.what());
        }
    }

    void compare_replay(bytes_view decided, bytes_view replayed) const;

    /// `refused` in words, where a decider did.
    void expect_events(
        const std::vector<new_event>& expected, const std::optional<std::string>& refused
    ) const;

    void expect_thrown() const;

    /// What the decision threw.
    [[nodiscard]] std::optional<std::string> thrown_words() const;

    /// Null where it threw nothing or something else.
    template <class Why>
    [[nodiscard]] const Why* thrown_as() const {
        if (thrown_ == nullptr)
            return nullptr;
        try {
            std::rethrow_exception(thrown_);
        } catch (const Why& why) {
            return &why; // lives as long as thrown_
        } catch (...) {
            return nullptr;
        }
    }

    [[noreturn]] void
    fail_refusal(std::string_view type, const std::optional<std::string>& refused) const;
    [[noreturn]] void fail_refusal_words(
        const std::optional<std::string>& expected, const std::optional<std::string>& refused
    ) const;
    [[noreturn]] void fail_state(bytes_view found, const std::optional<std::string>& refused) const;
    [[noreturn]] void fail_state(
        bytes_view wanted, bytes_view found, const std::optional<std::string>& refused
    ) const;

private:
    void append_given();
    void read_happened();
    [[noreturn]] void fail_given(std::string_view why) const;
    [[noreturn]] void fail_torn() const;
    [[noreturn]] void fail_happened(std::string_view why) const;
    [[nodiscard]] std::string given_section() const;
    /// What happened, or why nothing did.
    [[nodiscard]] std::string happened_section(const std::optional<std::string>& refused) const;
    [[noreturn]] void fail(const std::string& text) const;

    fake_clock time_;
    store store_{open_in_memory(time_)};
    std::string stream_;
    std::vector<new_event> given_;
    std::vector<new_event> happened_{};
    std::exception_ptr thrown_{};
    std::source_location where_;
};

} // namespace everfold::testing::detail
