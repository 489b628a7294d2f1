// SPDX-License-Identifier: MIT
#pragma once
// A state that can't be known, because events that it was folded from are out of reach or removed.

#include <everfold/base/error.hpp>
#include <everfold/base/ids.hpp>

#include <string>

namespace everfold {

/// The events that are missing are those from first() to last() of the stream. Its code is
/// errc::invalid: what was asked for can't be answered any more.
class missing_history : public error {
public:
    missing_history(std::string stream, revision first, revision last);
    missing_history(const missing_history&) = default;
    missing_history(missing_history&&) = default;
    missing_history& operator=(const missing_history&) = default;
    missing_history& operator=(missing_history&&) = default;
    ~missing_history() override;

    [[nodiscard]] const std::string& stream() const noexcept { return stream_; }

    [[nodiscard]] revision first() const noexcept { return first_; }

    [[nodiscard]] revision last() const noexcept { return last_; }

private:
    std::string stream_;
    revision first_;
    revision last_;
};

} // namespace everfold
