// SPDX-License-Identifier: MIT
#pragma once
// What a stored value is, as far as the bytes say it, and sets of that.

#include <everfold/event/cbor.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace everfold {

enum class value_kind : std::uint8_t {
    integer,
    floating,
    text,
    bytes,
    boolean,
    array,
    map,
    null,
};

inline constexpr std::array all_value_kinds{
    value_kind::integer,
    value_kind::floating,
    value_kind::text,
    value_kind::bytes,
    value_kind::boolean,
    value_kind::array,
    value_kind::map,
    value_kind::null};

/// In one word: "integer".
[[nodiscard]] std::string_view to_text(value_kind kind) noexcept;

[[nodiscard]] constexpr value_kind value_kind_of(cbor_kind kind) noexcept {
    switch (kind) {
    case cbor_kind::unsigned_integer:
    case cbor_kind::negative_integer:
        return value_kind::integer;
    case cbor_kind::bytes:
        return value_kind::bytes;
    case cbor_kind::text:
        return value_kind::text;
    case cbor_kind::array:
        return value_kind::array;
    case cbor_kind::map:
        return value_kind::map;
    case cbor_kind::boolean:
        return value_kind::boolean;
    case cbor_kind::floating:
        return value_kind::floating;
    case cbor_kind::null:
        break;
    }
    return value_kind::null;
}

class value_kinds {
public:
    constexpr value_kinds() = default;

    constexpr value_kinds(std::initializer_list<value_kind> kinds) noexcept {
        for (const auto kind : kinds)
            add(kind);
    }

    [[nodiscard]] static constexpr value_kinds any() noexcept {
        value_kinds out;
        for (const auto kind : all_value_kinds)
            out.add(kind);
        return out;
    }

    constexpr void add(value_kind kind) noexcept {
        bits_ = static_cast<std::uint8_t>(bits_ | bit(kind));
    }

    [[nodiscard]] constexpr bool has(value_kind kind) const noexcept {
        return (bits_ & bit(kind)) != 0;
    }

    friend constexpr bool operator==(const value_kinds&, const value_kinds&) = default;

private:
    static constexpr unsigned bit(value_kind kind) noexcept {
        return 1U << static_cast<unsigned>(kind);
    }

    std::uint8_t bits_{};
};

/// "integer or null"; "nothing" for none.
[[nodiscard]] std::string to_text(value_kinds kinds);

} // namespace everfold
