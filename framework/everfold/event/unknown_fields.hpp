// SPDX-License-Identifier: MIT
#pragma once
// The fields of an event that its struct does not know, so that an older program does not lose what
// a newer one wrote.

#include <everfold/base/bytes.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace everfold {

/// An ordered list of names, each once, with the encoded value of each. As a member of a struct it
/// takes what the other members do not when the struct is read, and is written after them. Values
/// are well-formed items of docs/event_encoding.md.
class unknown_fields {
public:
    struct field {
        std::string name{};
        byte_buffer value{};

        friend bool operator==(const field&, const field&) = default;
    };

    using value_type = field;
    using const_iterator = std::vector<field>::const_iterator;

    [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }

    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }

    [[nodiscard]] const_iterator begin() const noexcept { return fields_.begin(); }

    [[nodiscard]] const_iterator end() const noexcept { return fields_.end(); }

    /// The encoded value, or nothing. Valid until the next change.
    [[nodiscard]] std::optional<bytes_view> find(std::string_view name) const noexcept;

    [[nodiscard]] bool contains(std::string_view name) const noexcept {
        return find(name).has_value();
    }

    /// Sets the value where the name stands, or adds it at the end. Throws encoding_error unless
    /// `value` is exactly one item and the name is UTF-8.
    void set(std::string_view name, bytes_view value);

    /// Whether there was one.
    bool erase(std::string_view name);

    void clear() noexcept { fields_.clear(); }

    /// Sets every field of `newer` here.
    void merge(const unknown_fields& newer);

    /// For decoders: adds what was checked and is not there yet.
    void append_checked(std::string_view name, bytes_view value);

    friend bool operator==(const unknown_fields&, const unknown_fields&) = default;

private:
    void put(std::string_view name, bytes_view value);

    std::vector<field> fields_;
};

} // namespace everfold
