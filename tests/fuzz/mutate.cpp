// SPDX-License-Identifier: MIT
#include "mutate.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace everfold::fuzz {

namespace {

/// Where frames begin, and the end.
std::vector<std::size_t> frame_edges(const byte_buffer& bytes) {
    constexpr std::string_view magic{"EFRM"};
    const auto text = as_text(bytes);
    std::vector<std::size_t> out;
    for (auto at = text.find(magic); at != std::string_view::npos; at = text.find(magic, at + 1))
        out.push_back(at);
    out.push_back(bytes.size());
    return out;
}

void remove_range(byte_buffer& bytes, std::size_t begin, std::size_t end) {
    bytes.erase(
        bytes.begin() + static_cast<std::ptrdiff_t>(begin),
        bytes.begin() + static_cast<std::ptrdiff_t>(end)
    );
}

/// Copies [begin, end) to `to`, where the rest makes room.
void insert_copy(
    byte_buffer& bytes, std::size_t begin, std::size_t end, std::size_t to, std::size_t size_max
) {
    if (bytes.size() + (end - begin) > size_max)
        return;
    const byte_buffer copy{
        bytes.begin() + static_cast<std::ptrdiff_t>(begin),
        bytes.begin() + static_cast<std::ptrdiff_t>(end)};
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(to), copy.begin(), copy.end());
}

void change_frames(byte_buffer& bytes, std::size_t size_max, choices& choose) {
    const auto edges = frame_edges(bytes);
    if (edges.size() < 2)
        return;
    const auto i = choose.below(edges.size() - 1);
    const auto j = choose.below(edges.size());
    if (choose.below(2) == 0)
        remove_range(bytes, edges[i], edges[i + 1]);
    else
        insert_copy(bytes, edges[i], edges[i + 1], edges[j], size_max);
}

void change_block(byte_buffer& bytes, std::size_t size_max, choices& choose) {
    const auto words = bytes.size() / 8;
    if (words == 0)
        return;
    const auto begin = choose.below(words);
    const auto end = begin + 1 + choose.below(std::min<std::size_t>(words - begin, 8));
    if (choose.below(2) == 0)
        remove_range(bytes, 8 * begin, 8 * end);
    else
        insert_copy(bytes, 8 * begin, 8 * end, 8 * choose.below(words + 1), size_max);
}

void change_field(byte_buffer& bytes, choices& choose) {
    if (bytes.size() < 8)
        return;
    constexpr std::array<std::uint64_t, 14> edges{
        0,
        1,
        2,
        7,
        8,
        24,
        255,
        0xFFFF,
        0x7FFF'FFFF,
        0x8000'0000,
        0xFFFF'FFFF,
        0x7FFF'FFFF'FFFF'FFFF,
        0x8000'0000'0000'0000,
        0xFFFF'FFFF'FFFF'FFFF};
    auto* at = bytes.data() + 4 * choose.below((bytes.size() - 4) / 4);
    const auto value = edges.at(choose.below(edges.size()));
    switch (choose.below(5)) {
    case 0:
        store_le(at, static_cast<std::uint32_t>(value));
        break;
    case 1:
        store_le(at, load_le<std::uint32_t>(at) + 1);
        break;
    case 2:
        store_le(at, load_le<std::uint32_t>(at) - 1);
        break;
    case 3:
        store_le(at, load_le<std::uint32_t>(at) + (choose.below(2) == 0 ? 8 : ~std::uint32_t{7}));
        break;
    default:
        if (at + 8 <= bytes.data() + bytes.size())
            store_le(at, value);
        break;
    }
}

void change_byte(byte_buffer& bytes, choices& choose) {
    if (bytes.empty())
        return;
    auto& byte = bytes[choose.below(bytes.size())];
    byte = choose.below(2) == 0 ? byte ^ static_cast<std::byte>(1U << choose.below(8))
                                : static_cast<std::byte>(choose.next());
}

} // namespace

void mutate(byte_buffer& bytes, std::size_t size_max, choices& choose) {
    for (auto left = 1 + choose.below(4); left > 0; --left) {
        switch (choose.below(6)) {
        case 0:
            change_frames(bytes, size_max, choose);
            break;
        case 1:
            change_block(bytes, size_max, choose);
            break;
        case 2:
        case 3:
            change_field(bytes, choose);
            break;
        default:
            change_byte(bytes, choose);
            break;
        }
    }
    if (choose.below(16) == 0 && !bytes.empty())
        bytes.resize(choose.below(bytes.size()));
    bytes.resize(std::min(bytes.size(), size_max));
}

} // namespace everfold::fuzz
