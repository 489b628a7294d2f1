// SPDX-License-Identifier: MIT
#pragma once
// Bytes as a segment's source.

#include <everfold/log/source.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace everfold::testing {

class memory_source final : public log::segment_source {
public:
    explicit memory_source(byte_buffer bytes)
        : bytes_{std::move(bytes)} {}

    std::size_t read_at(byte_offset at, std::span<std::byte> into, scratch& /*mine*/) override {
        if (at.value() >= bytes_.size())
            return 0;
        const auto from = bytes_view{bytes_}.subspan(static_cast<std::size_t>(at.value()));
        const auto size = std::min(from.size(), into.size());
        std::ranges::copy(from.first(size), into.begin());
        return size;
    }

    std::uint64_t size() override { return bytes_.size(); }

    std::uint64_t stored_size() override { return bytes_.size(); }

    [[nodiscard]] const std::string& file_name() const noexcept override { return name_; }

private:
    byte_buffer bytes_;
    std::string name_{"input"};
};

} // namespace everfold::testing
