// SPDX-License-Identifier: MIT
#pragma once
// What a log holds, beside what a program knows.

#include <everfold/base/ids.hpp>
#include <everfold/event/program_schema.hpp>
#include <everfold/store/seen_schema.hpp>
#include <everfold/store/store.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace everfold {

/// How the program reads a type and version of the log.
enum class schema_match : std::uint8_t {
    same,        ///< as it is today
    former_name, ///< as it is, under a name of before
    older,       ///< through upcasters
    additive,    ///< newer than the program, which was told that newer versions only add fields
    newer,       ///< newer than the program: not at all
    no_upcaster, ///< older than what the program reads: not at all
    unknown,     ///< the program does not know the name
};

/// Whether events of it can be read.
[[nodiscard]] constexpr bool is_read(schema_match how) noexcept {
    return how < schema_match::newer;
}

struct schema_entry {
    std::string type{};
    std::uint32_t version{};
    std::uint64_t events{};
    schema_match match{};
    /// In words: "read as user_created version 2, through 1 upcaster".
    std::string how{};
    /// Fields whose values the program does not read: "age: text in 3 of 10, the program reads
    /// integer". Ranges and the forms of texts are not compared.
    std::vector<std::string> mismatches{};
    /// What is fine, and may surprise: fields that are not read, or were never written.
    std::vector<std::string> notes{};
};

struct schema_report {
    /// Of the log, in the order of their first event.
    std::vector<schema_entry> entries{};
    /// Events of the program that the log does not have, in any form.
    std::vector<std::string> unused{};
    bool skips_unknown{};

    /// Whether the program reads all of the log, as far as types, versions and kinds of values say.
    [[nodiscard]] bool fits() const noexcept;
    /// For people: a line for each type, indented ones for its fields.
    [[nodiscard]] std::string to_string() const;
};

/// Compares types, versions and fields.
[[nodiscard]] schema_report
compare_schema(std::span<const seen_type> seen, const program_schema& of_program);

/// Reads all events that can be reached, and compares.
[[nodiscard]] schema_report compare_schema(store of_log, const program_schema& of_program);

/// `compare_schema<events<opened, closed>>(store)`; also a state's list: `compare_schema<typename
/// account::events>(store)`.
template <class Events>
[[nodiscard]] schema_report compare_schema(store of_log) {
    return compare_schema(std::move(of_log), program_schema{Events{}});
}

/// Throws a schema_error that names each type and version of the store that the program does not
/// read. Looks at the store's indexes; events are read of what it does not know only, since all of
/// them may be out of reach. What open() does with store_options::schema.
void require_schema(store of_log, const program_schema& of_program);

} // namespace everfold
