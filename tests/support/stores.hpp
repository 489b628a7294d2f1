// SPDX-License-Identifier: MIT
#pragma once
// The stores that every test of store behaviour runs on, and events in a few words.

#include <everfold/event/json_text.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/io/simulated.hpp>
#include <everfold/store/open.hpp>

#include <support/scratch_dir.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::testing {

/// Each gives a new empty store; reopen() is the same events in a new store object, where the kind
/// of store outlives one.
struct memory_stores {
    static constexpr bool can_reopen = false;

    [[nodiscard]] static store open_store(const store_options& options = {}) {
        return open("memory:", options);
    }

    [[nodiscard]] static store reopen(store s, const store_options& = {}) { return s; }
};

/// Nothing but the calls of the test changes the files.
[[nodiscard]] inline store_options quiet(store_options options) {
    options.compress_sealed = false;
    return options;
}

struct directory_stores {
    static constexpr bool can_reopen = true;
    scratch_dir directory{};

    [[nodiscard]] store open_store(const store_options& options = {}) const {
        return open(directory / "log", quiet(options));
    }

    [[nodiscard]] store reopen(store s, const store_options& options = {}) const {
        s.close();
        return open_store(options);
    }
};

struct simulated_stores {
    static constexpr bool can_reopen = true;
    std::shared_ptr<io::simulated_disk> disk{std::make_shared<io::simulated_disk>()};
    std::shared_ptr<std::uint64_t> lives{std::make_shared<std::uint64_t>()};

    [[nodiscard]] store open_store(const store_options& options = {}) const {
        // Each process with other random numbers.
        return open("/log", quiet(options), io::simulated_machine(disk, ++*lives));
    }

    [[nodiscard]] store reopen(store s, const store_options& options = {}) const {
        s.close();
        return open_store(options);
    }
};

/// `{"n": number}` as our CBOR: a map of one.
[[nodiscard]] inline byte_buffer number_payload(std::uint32_t n) {
    byte_buffer out{std::byte{0xA1}, std::byte{0x61}, std::byte{'n'}};
    if (n < 24) {
        out.push_back(static_cast<std::byte>(n));
    } else if (n < 0x100) {
        out.push_back(std::byte{0x18});
        out.push_back(static_cast<std::byte>(n));
    } else if (n < 0x1'0000) {
        out.push_back(std::byte{0x19});
        out.push_back(static_cast<std::byte>(n >> 8U));
        out.push_back(static_cast<std::byte>(n & 0xFFU));
    } else {
        out.push_back(std::byte{0x1A});
        for (const unsigned shift : {24U, 16U, 8U, 0U})
            out.push_back(static_cast<std::byte>((n >> shift) & 0xFFU));
    }
    return out;
}

[[nodiscard]] inline new_event
numbered(std::uint32_t n, std::string type = "counted", std::vector<std::string> tags = {}) {
    return {.type = std::move(type), .payload = number_payload(n), .tags = std::move(tags)};
}

[[nodiscard]] inline append_request to_stream(
    std::string stream,
    std::vector<new_event> events,
    expected_revision expected = expected_revision::any()
) {
    append_request out;
    out.streams.push_back({std::move(stream), expected, std::move(events)});
    return out;
}

/// "3 users@1 counted {"n":7}" for each event, in the order of the range.
[[nodiscard]] inline std::vector<std::string> lines_of(event_range range) {
    std::vector<std::string> out;
    for (const auto& e : range)
        out.push_back(
            std::to_string(e.log_position.value()) + " " + std::string{e.stream} + "@" +
            std::to_string(e.stream_revision.value()) + " " + std::string{e.type} + " " +
            e.to_json()
        );
    return out;
}

} // namespace everfold::testing
