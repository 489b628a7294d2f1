// SPDX-License-Identifier: MIT
#pragma once
// Names by dense number, and numbers by name.

#include <everfold/log/record.hpp>
#include <everfold/log/stable_vector.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace everfold::log {

/// Texts by number and numbers by text. Numbers are never given back.
///
/// Threads: as stable_vector: text(n) needs no lock; find and intern need the owner's.
class name_table {
public:
    [[nodiscard]] std::uint32_t intern(std::string_view text) {
        if (const auto found = find(text))
            return *found;
        const auto number = size();
        texts_.push_back(std::string{text});
        numbers_.emplace(texts_.back(), number);
        return number;
    }

    [[nodiscard]] std::optional<std::uint32_t> find(std::string_view text) const {
        const auto found = numbers_.find(text);
        return found == numbers_.end() ? std::nullopt : std::optional{found->second};
    }

    [[nodiscard]] std::string_view text(std::uint32_t number) const noexcept {
        return texts_[number];
    }

    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(texts_.size());
    }

private:
    stable_vector<std::string> texts_{};
    std::unordered_map<std::string_view, std::uint32_t> numbers_{}; // views into texts_
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
        types_.push_back(type_name{std::string{name}, version, format});
        numbers_.emplace(key_of(name, version, format), number);
        return number;
    }

    [[nodiscard]] std::optional<std::uint32_t>
    find(std::string_view name, std::uint32_t version, payload_format format) const {
        const auto found = numbers_.find(key_of(name, version, format));
        return found == numbers_.end() ? std::nullopt : std::optional{found->second};
    }

    [[nodiscard]] const type_name& operator[](std::uint32_t number) const noexcept {
        return types_[number];
    }

    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(types_.size());
    }

private:
    static std::string key_of(std::string_view name, std::uint32_t version, payload_format format) {
        std::string key{name};
        key += '\0';
        key += std::to_string(version);
        key += '\0';
        key += std::to_string(static_cast<unsigned>(format));
        return key;
    }

    stable_vector<type_name> types_{};
    std::unordered_map<std::string, std::uint32_t> numbers_{};
};

} // namespace everfold::log
