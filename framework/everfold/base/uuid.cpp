// SPDX-License-Identifier: MIT
#include <everfold/base/uuid.hpp>

#include <ostream>

namespace everfold {

namespace {

constexpr bool has_dash_before(std::size_t octet) noexcept {
    return octet == 4 || octet == 6 || octet == 8 || octet == 10;
}

std::optional<unsigned> hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9')
        return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f')
        return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F')
        return static_cast<unsigned>(c - 'A' + 10);
    return {};
}

} // namespace

std::string uuid::to_string() const {
    std::string out;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        if (has_dash_before(i))
            out += '-';
        out += to_hex({&octets[i], 1});
    }
    return out;
}

std::optional<uuid> uuid::parse(std::string_view text) {
    if (text.size() != 36)
        return {};
    uuid out;
    std::size_t at = 0;
    for (std::size_t i = 0; i < out.octets.size(); ++i) {
        if (has_dash_before(i) && text[at++] != '-')
            return {};
        const auto high = hex_digit(text[at]);
        const auto low = hex_digit(text[at + 1]);
        if (!high || !low)
            return {};
        out.octets[i] = static_cast<std::byte>((*high << 4U) | *low);
        at += 2;
    }
    return out;
}

uuid uuid::from_random(const std::array<std::byte, 16>& random) noexcept {
    uuid out{random};
    out.octets[6] = (out.octets[6] & std::byte{0x0F}) | std::byte{0x40};
    out.octets[8] = (out.octets[8] & std::byte{0x3F}) | std::byte{0x80};
    return out;
}

std::ostream& operator<<(std::ostream& out, const uuid& id) {
    return out << id.to_string();
}

} // namespace everfold
