// SPDX-License-Identifier: MIT
#pragma once
// The names of one segment's streams, types and tags, as far as they are left.

#include <everfold/log/record.hpp>
#include <everfold/log/segment_index.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace everfold::log {

/// Names by number: from the segment's index, where that is whole, and from the frames that check.
class salvaged_names {
public:
    struct stream {
        std::string name{};
        std::uint64_t base{};
    };

    struct type {
        std::string name{};
        std::uint32_t version{};
    };

    void learn(const segment_index& index);

    /// False where it is no name that a writer gives.
    [[nodiscard]] bool learn(const names_record& record);

    /// Null where the name is lost.
    [[nodiscard]] const stream* find_stream(std::uint32_t number) const;
    [[nodiscard]] const type* find_type(std::uint32_t number) const;
    [[nodiscard]] const std::string* find_tag(std::uint32_t number) const;

private:
    std::unordered_map<std::uint32_t, stream> streams_{};
    std::unordered_map<std::uint32_t, type> types_{};
    std::unordered_map<std::uint32_t, std::string> tags_{};
};

} // namespace everfold::log
