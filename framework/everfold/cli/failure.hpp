// SPDX-License-Identifier: MIT
#pragma once
// How a program ends. Each failure says its exit code by its type, and what became of the data.

#include <everfold/base/error.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace everfold::cli {

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

[[nodiscard]] exit_code exit_code_of(errc code) noexcept;

/// What a program says when it can't go on; `what()` is what is wrong and where. An empty sentence
/// is not said.
class complaint : public std::runtime_error {
public:
    explicit complaint(
        const std::string& what, std::string data_is_safe = {}, std::string what_to_do = {}
    );
    complaint(const complaint&) = default;
    complaint(complaint&&) = default;
    complaint& operator=(const complaint&) = default;
    complaint& operator=(complaint&&) = default;
    ~complaint() override;

    [[nodiscard]] const std::string& data_is_safe() const noexcept { return data_is_safe_; }

    [[nodiscard]] const std::string& what_to_do() const noexcept { return what_to_do_; }

private:
    std::string data_is_safe_;
    std::string what_to_do_;
};

/// Arguments that can't be meant. `usage` is the usage line of what was asked for.
class usage_error : public complaint {
public:
    explicit usage_error(const std::string& message, std::string usage = {})
        : complaint{message, "nothing was read or changed", std::move(usage)} {}
};

/// An input that can't be read or is malformed, or an output that can't be written.
class input_output_error : public complaint {
public:
    using complaint::complaint;
};

/// Where an error was said already, and only the exit code is left to give.
class already_reported : public std::exception {
public:
    explicit already_reported(exit_code code) noexcept
        : code_{code} {}

    [[nodiscard]] exit_code code() const noexcept { return code_; }

    [[nodiscard]] const char* what() const noexcept override { return "reported already"; }

private:
    exit_code code_;
};

/// Says on standard error what the exception in flight is, what became of the data and what to do,
/// and returns the exit code it means. To be called in a catch block.
[[nodiscard]] exit_code report_current_exception(std::string_view program) noexcept;

/// `program: text` on standard error.
void say(std::string_view program, const std::string& text) noexcept;

} // namespace everfold::cli
