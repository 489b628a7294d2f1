// SPDX-License-Identifier: MIT
#pragma once
// A 128-bit identifier: log identities, event ids, append ids, correlation and causation ids.

#include <everfold/base/bytes.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace everfold {

/// Sixteen bytes in network order (RFC 9562). The nil uuid, all zeros, means "none".
struct uuid {
    std::array<std::byte, 16> octets{};

    [[nodiscard]] bool is_nil() const noexcept { return *this == uuid{}; }

    /// 8-4-4-4-12 lower-case hexadecimal digits.
    [[nodiscard]] std::string to_string() const;

    /// Reads exactly the form that to_string writes, in either case; otherwise nothing.
    [[nodiscard]] static std::optional<uuid> parse(std::string_view text);

    /// A version 4 uuid out of 16 random bytes.
    [[nodiscard]] static uuid from_random(const std::array<std::byte, 16>& random) noexcept;

    friend auto operator<=>(const uuid&, const uuid&) noexcept = default;
};

std::ostream& operator<<(std::ostream& out, const uuid& id);

} // namespace everfold
