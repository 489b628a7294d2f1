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
#include <everfold/event/stored_forms.hpp>

#include <cstdint>
#include <exception>
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
        if constexpr (detail::has_one_name<E>())
            return type == event_type_of<E>;
        else
            return detail::is_name_of<E>(type);
    }

    /// Decodes into `into`, which must be of this event's type; an older version becomes today's.
    /// Failure: schema_error where type or version differ, the payload does not fit or the event
    /// was dropped by from().
    template <event E>
    void decode_into(E& into) const {
        if (!try_decode_into(into))
            fail_as_dropped();
    }

    /// The same, and false where from() makes no E of this event.
    template <event E>
    [[nodiscard]] bool try_decode_into(E& into) const {
        static_assert(detail::explain_evolution<E>(), "everfold: this event can't be read");
        if (type == event_type_of<E> && version == event_version_of<E>) [[likely]] {
            try {
                decode(payload, into);
            } catch (const encoding_error& e) {
                fail_to_fit(e);
            }
            return true;
        }
        const auto* form = detail::form_for<E>(type, version);
        if (form == nullptr)
            fail_as_foreign(is<E>(), event_type_of<E>, event_version_of<E>);
        try {
            return form->read(payload, version, into);
        } catch (const encoding_error& e) {
            fail_to_fit(e);
        } catch (const std::exception& e) {
            fail_to_upcast(e);
        }
    }

    template <event E>
    [[nodiscard]] E as() const {
        E out{};
        decode_into(out);
        return out;
    }

private:
    [[noreturn]] void fail_as_foreign(
        bool is_name_known, std::string_view wanted_type, std::uint32_t wanted_version
    ) const;
    [[noreturn]] void fail_to_fit(const encoding_error& e) const;
    [[noreturn]] void fail_to_upcast(const std::exception& e) const;
    [[noreturn]] void fail_as_dropped() const;
};

} // namespace everfold
