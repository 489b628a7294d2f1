// SPDX-License-Identifier: MIT
#pragma once
// What a log holds, without the program that wrote it: types, versions, and the fields of their
// data as they were seen.

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/event/cbor.hpp>
#include <everfold/event/value_kind.hpp>
#include <everfold/store/query.hpp>
#include <everfold/store/recorded_event.hpp>
#include <everfold/store/store.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace everfold {

/// A value in the same place of all events of a type.
struct seen_value {
    std::string name{};                                         ///< of the field
    std::array<std::uint64_t, all_value_kinds.size()> counts{}; ///< by value_kind
    std::vector<seen_value> fields{};   ///< of maps, in the order first seen
    std::vector<seen_value> elements{}; ///< one: of all elements of arrays
    /// One: all values of maps that have so many keys that these are data and no names. `fields` is
    /// empty then.
    std::vector<seen_value> by_key{};

    [[nodiscard]] std::uint64_t count(value_kind kind) const noexcept {
        return counts[static_cast<std::size_t>(kind)];
    }

    /// How often there was any.
    [[nodiscard]] std::uint64_t count() const noexcept;
    [[nodiscard]] value_kinds kinds() const noexcept;
};

/// A field with its path: "address.city"; elements of arrays are "tags[]", values by key "by.*".
/// Names with dots or brackets of their own stand in double quotes.
struct seen_field {
    std::string path{};
    const seen_value* value{};
    std::uint64_t possible{}; ///< how often it could have been there; less: it is optional

    [[nodiscard]] bool is_optional() const noexcept { return value->count() < possible; }
};

struct seen_type {
    std::string type{};
    std::uint32_t version{};
    std::uint64_t events{};
    position first{};
    position last{};
    seen_value data{};
    /// Fields that were not taken in, since there were too many.
    bool has_more{};
    /// Events whose data is not well-formed; `everfold verify` says where.
    std::uint64_t malformed{};

    /// In order, each behind the one that it lies in. Points into this.
    [[nodiscard]] std::vector<seen_field> fields() const;
};

/// Takes in events, one after the other. Memory: by the number of types, and for each of them a
/// bounded number of fields, whatever the events hold.
class schema_survey {
public:
    static constexpr std::size_t keys_max = 64;     ///< of one map, before they are data
    static constexpr std::size_t fields_max = 1024; ///< of one type
    static constexpr std::size_t name_max = 255;    ///< a longer key is data

    void add(const recorded_event& e);

    /// In the order of their first event.
    [[nodiscard]] const std::vector<seen_type>& types() const noexcept { return types_; }

private:
    std::vector<seen_type> types_{};
    std::vector<std::size_t> room_{};   // for fields, by type
    std::vector<std::size_t> places_{}; // by type number: one past the place in types_
};

/// The types of the events that a query finds; by default of all that can be reached. Reads them.
[[nodiscard]] std::vector<seen_type> read_schema(store from, const query& q = {});

} // namespace everfold
