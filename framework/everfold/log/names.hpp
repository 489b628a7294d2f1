// SPDX-License-Identifier: MIT
#pragma once
// Names by dense number, and numbers by name.

#include <everfold/base/bytes.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/number_slots.hpp>
#include <everfold/log/record.hpp>
#include <everfold/log/stable_vector.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace everfold::log {

/// Texts that stay where they are.
class text_store {
public:
    [[nodiscard]] std::string_view add(std::string_view text) {
        if (text.size() > free_.size()) {
            const auto size = std::max(
                text.size(),
                std::min(chunk_max, chunk_min << std::min(chunks_.size(), doublings_max))
            );
            chunks_.push_back(std::make_unique<char[]>(size));
            free_ = {chunks_.back().get(), size};
        }
        std::ranges::copy(text, free_.begin());
        const std::string_view out{free_.data(), text.size()};
        free_ = free_.subspan(text.size());
        return out;
    }

private:
    static constexpr std::size_t chunk_min = 256;
    static constexpr std::size_t chunk_max = std::size_t{64} * 1024;
    static constexpr std::size_t doublings_max = 8;

    std::vector<std::unique_ptr<char[]>> chunks_{};
    std::span<char> free_{}; // of the last chunk
};

/// Texts by number and numbers by text. Numbers are never given back.
///
/// Threads: as stable_vector: text(n) needs no lock; find and intern need the owner's.
class name_table {
public:
    [[nodiscard]] std::uint32_t intern(std::string_view text) {
        const auto hash = checksum(as_bytes(text), 0);
        if (const auto found = find(text, hash))
            return *found;
        const auto number = size();
        numbers_.make_room(); // no text without its number
        texts_.push_back(store_.add(text));
        numbers_.add(hash, number);
        return number;
    }

    [[nodiscard]] std::optional<std::uint32_t> find(std::string_view text) const {
        if (texts_.empty())
            return {};
        return find(text, checksum(as_bytes(text), 0));
    }

    [[nodiscard]] std::string_view text(std::uint32_t number) const noexcept {
        return texts_[number];
    }

    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(texts_.size());
    }

private:
    [[nodiscard]] std::optional<std::uint32_t>
    find(std::string_view text, std::uint64_t hash) const {
        return numbers_.find(hash, [&](std::uint32_t number) { return texts_[number] == text; });
    }

    text_store store_{};
    stable_vector<std::string_view> texts_{};
    number_slots numbers_{};
};

/// An event type as the log knows it.
struct type_name {
    std::string name{};
    std::uint32_t version{};
    payload_format format{payload_format::cbor};
};

/// Event types by (name, version, format). Threads: as name_table.
class type_table {
public:
    [[nodiscard]] std::uint32_t
    intern(std::string_view name, std::uint32_t version, payload_format format) {
        if (const auto found = find(name, version, format))
            return *found;
        const auto number = size();
        numbers_.make_room(); // no type without its number
        types_.push_back(type_name{std::string{name}, version, format});
        numbers_.add(hash_of(name, version), number);
        return number;
    }

    [[nodiscard]] std::optional<std::uint32_t>
    find(std::string_view name, std::uint32_t version, payload_format format) const {
        return numbers_.find(hash_of(name, version), [&](std::uint32_t number) {
            const auto& known = types_[number];
            return known.name == name && known.version == version && known.format == format;
        });
    }

    [[nodiscard]] const type_name& operator[](std::uint32_t number) const noexcept {
        return types_[number];
    }

    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(types_.size());
    }

private:
    static std::uint64_t hash_of(std::string_view name, std::uint32_t version) noexcept {
        return checksum(as_bytes(name), version);
    }

    stable_vector<type_name> types_{};
    number_slots numbers_{};
};

} // namespace everfold::log
