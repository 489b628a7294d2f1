// SPDX-License-Identifier: MIT
#pragma once
// What a query asks of an event's data: a place in it, and what is to be there.

#include <everfold/base/bytes.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace everfold {

enum class comparison : std::uint8_t {
    equal,
    not_equal,
    less,
    less_or_equal,
    greater,
    greater_or_equal,
    contains, ///< of a text: as a part; of an array: as a member
};

/// As it is written in conditions: "=", "!=", "<", "<=", ">", ">=", "contains".
[[nodiscard]] std::string_view to_text(comparison op) noexcept;

/// A value to compare with: null, a truth, a number, a text, or any other item of the encoding.
class payload_value {
public:
    /// One encoded item, as a whole: equal only to the same bytes.
    struct encoded {
        byte_buffer item{};

        friend bool operator==(const encoded&, const encoded&) = default;
    };

    using content = std::
        variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, encoded>;

    payload_value(std::nullptr_t) {} // NOLINT(google-explicit-constructor): values are written down
    payload_value(double number)     // NOLINT(google-explicit-constructor)
        : content_{number} {}
    payload_value(std::string text) // NOLINT(google-explicit-constructor)
        : content_{std::move(text)} {}
    payload_value(std::string_view text) // NOLINT(google-explicit-constructor)
        : content_{std::string{text}} {}
    payload_value(const char* text) // NOLINT(google-explicit-constructor)
        : content_{std::string{text}} {}
    payload_value(encoded item) // NOLINT(google-explicit-constructor)
        : content_{std::move(item)} {}

    /// A truth, or an integer: one that is not negative has one form, whatever its type was.
    template <std::integral T>
    payload_value(T value) { // NOLINT(google-explicit-constructor)
        if constexpr (std::same_as<T, bool>)
            content_ = value;
        else if (value < 0)
            content_ = static_cast<std::int64_t>(value);
        else
            content_ = static_cast<std::uint64_t>(value);
    }

    [[nodiscard]] const content& get() const noexcept { return content_; }

    friend bool operator==(const payload_value&, const payload_value&) = default;

private:
    content content_{nullptr};
};

/// Holds for an event whose data has, at the JSON pointer, what compares with one of `values` so;
/// with not_equal, with all of them. Where the pointer leads nowhere it holds for no value.
///
/// Numbers compare by value, integers with floating ones too; texts by their bytes. What can't be
/// ordered (a text and a number, null, NaN) is neither less nor greater.
class payload_condition {
public:
    /// Throws errc::invalid for what is no JSON pointer (RFC 6901) or not UTF-8, for no value, and
    /// for null, a truth or an encoded item where they would be ordered.
    payload_condition(std::string_view pointer, comparison op, std::vector<payload_value> values);

    /// Failure: encoding_error where the payload is not well-formed as far as it is read.
    [[nodiscard]] bool holds_for(bytes_view payload) const;

    /// The pointer as it was given.
    [[nodiscard]] const std::string& pointer() const noexcept { return pointer_; }

    [[nodiscard]] comparison op() const noexcept { return op_; }

    [[nodiscard]] const std::vector<payload_value>& values() const noexcept { return values_; }

    /// `/city = "Oslo"`; alternatives with "or" between them.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const payload_condition&, const payload_condition&) = default;

private:
    std::string pointer_;
    std::vector<std::string> steps_{};
    comparison op_;
    std::vector<payload_value> values_;
};

} // namespace everfold
