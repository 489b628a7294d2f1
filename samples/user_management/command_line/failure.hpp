// SPDX-License-Identifier: MIT
#pragma once
// How the program ends. Each failure says its exit code by its type.

#include <stdexcept>
#include <string>

namespace users {

/// The same in every program of the project.
enum class exit_code : int {
    done = 0,
    refused = 1,   ///< refused, not found or conflict
    usage = 2,     ///< arguments that can't be meant
    not_a_log = 3, ///< no log at the path, or one of a newer format
    damaged = 4,
    in_use = 5,       ///< another writer holds the log
    input_output = 6, ///< reading input or writing output failed
};

/// Arguments that can't be meant. `usage` is the usage line of what was asked for.
class usage_error : public std::runtime_error {
public:
    usage_error(const std::string& message, std::string usage)
        : std::runtime_error{message}
        , usage_{std::move(usage)} {}

    [[nodiscard]] const std::string& usage() const noexcept { return usage_; }

private:
    std::string usage_;
};

/// An input that can't be read or is malformed, or an output that can't be written.
class input_output_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Says on standard error what the exception in flight is, and returns the exit code it means.
/// To be called in a catch block.
[[nodiscard]] exit_code report_current_exception() noexcept;

} // namespace users
