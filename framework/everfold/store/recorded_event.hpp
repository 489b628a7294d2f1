// SPDX-License-Identifier: MIT
#pragma once
// An event as a store gives it back.

#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/event/event.hpp>
#include <everfold/event/event_info.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace everfold {

/// A view: texts and bytes belong to the range it came from and live until that range moves on.
struct recorded_event {
    position log_position{};
    std::string_view stream{};
    revision stream_revision{};
    std::string_view type{};
    std::uint32_t version{};
    /// The store's dense number of (type, version), stable for the life of the store object: what a
    /// dispatch table is indexed by.
    std::uint32_t type_number{};
    uuid id{};
    timestamp recorded_at{};
    timestamp occurred_at{};
    uuid correlation_id{};
    uuid causation_id{};
    std::span<const std::string_view> tags{};
    /// A CBOR map, or empty.
    bytes_view metadata{};
    /// A CBOR map.
    bytes_view payload{};

    /// The payload as one line of JSON.
    [[nodiscard]] std::string to_json() const;

    /// What an apply() may see of it.
    [[nodiscard]] event_info info() const noexcept {
        return {
            .stream = stream,
            .stream_revision = stream_revision,
            .type = type,
            .version = version,
            .occurred_at = occurred_at,
            .metadata = metadata};
    }

    template <event E>
    [[nodiscard]] bool is() const noexcept {
        return type == event_type_of<E>;
    }

    /// Decodes into `into`, which must be of this event's type.
    /// Failure: schema_error where type or version differ or the payload does not fit.
    template <event E>
    void decode_into(E& into) const {
        require(event_type_of<E>, event_version_of<E>);
        try {
            decode(payload, into);
        } catch (const encoding_error& e) {
            fail_to_fit(e);
        }
    }

    template <event E>
    [[nodiscard]] E as() const {
        E out{};
        decode_into(out);
        return out;
    }

private:
    void require(std::string_view wanted_type, std::uint32_t wanted_version) const;
    [[noreturn]] void fail_to_fit(const encoding_error& e) const;
};

} // namespace everfold
