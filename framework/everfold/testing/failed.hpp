// SPDX-License-Identifier: MIT
#pragma once
// How the test kit says that something does not hold, to whatever test framework there is.

#include <cstddef>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace everfold::testing {

/// An expectation of the kit that does not hold. what() is the message for people, in several
/// lines, after the place in the test where that is known.
class failed : public std::runtime_error {
public:
    explicit failed(const std::string& message);
    failed(const std::string& message, const std::source_location& where);
    failed(const failed&) = default;
    failed(failed&&) = default;
    failed& operator=(const failed&) = default;
    failed& operator=(failed&&) = default;
    ~failed() override;

    /// Without the place.
    [[nodiscard]] std::string_view message() const noexcept {
        return std::string_view{what()}.substr(place_size_);
    }

private:
    failed(const std::string& place, const std::string& message);

    std::size_t place_size_{};
};

} // namespace everfold::testing
