// SPDX-License-Identifier: MIT
#pragma once
// The domain of these tests: named numbers that are set, removed and cleared; and places to keep
// them.

#include "support/scratch_dir.hpp"

#include <everfold/aggregate/repository.hpp>
#include <everfold/store/open.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

struct entry_set {
    static constexpr std::string_view event_type = "entry_set";
    std::string key{};
    std::int64_t value{};
};

struct entry_removed {
    static constexpr std::string_view event_type = "entry_removed";
    std::string key{};
};

struct ledger_cleared {
    static constexpr std::string_view event_type = "ledger_cleared";
    std::optional<std::string> reason{};
};

/// Known to no state here unless it says so.
struct entry_renamed {
    static constexpr std::string_view event_type = "entry_renamed";
    std::string from{};
    std::string to{};
};

struct ledger {
    using events = everfold::events<entry_set, entry_removed, ledger_cleared>;

    std::map<std::string, std::int64_t> entries{};
    std::uint64_t changes{};
    everfold::timestamp changed_at{};

    void apply(const entry_set& e, const everfold::event_info& info) {
        entries[e.key] = e.value;
        ++changes;
        changed_at = info.occurred_at;
    }

    void apply(const entry_removed& e) {
        entries.erase(e.key);
        ++changes;
    }

    void apply(const ledger_cleared&) {
        entries.clear();
        ++changes;
    }

    friend bool operator==(const ledger&, const ledger&) = default;
};

struct refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class ledger_book : public everfold::aggregate<ledger> {
public:
    void set(std::string key, std::int64_t value) {
        record(entry_set{.key = std::move(key), .value = value});
    }

    void set_at(std::string key, std::int64_t value, everfold::timestamp when) {
        record(entry_set{.key = std::move(key), .value = value}, when);
    }

    void remove(const std::string& key) {
        if (!state().entries.contains(key))
            throw refused{"there is no entry " + key};
        record(entry_removed{.key = key});
    }

    void clear() { record(ledger_cleared{}); }
};

/// Appends to a stream, whatever it holds.
template <class... Es>
void put(everfold::store store, std::string stream, const Es&... events) {
    static_cast<void>(store.append(std::move(stream), events...).value());
}

/// A store that can be opened again: in a directory of its own, or in memory, where opening again
/// is the same store.
template <bool IsInMemory>
class place {
public:
    static constexpr bool is_in_memory = IsInMemory;

    everfold::store& store() {
        if (!current_)
            current_.emplace(everfold::open(IsInMemory ? "memory:" : directory_ / "log"));
        return *current_;
    }

    /// Of the log, where it is in a directory.
    [[nodiscard]] std::string path() const { return directory_ / "log"; }

    /// Closes the store and opens it again. Nothing that was made from it may be left.
    everfold::store& reopen() {
        if (!IsInMemory && current_) {
            current_->close();
            current_.reset();
        }
        return store();
    }

private:
    everfold::testing::scratch_dir directory_{};
    std::optional<everfold::store> current_{};
};

using in_memory = place<true>;
using in_a_directory = place<false>;
TYPE_TO_STRING(in_memory);
TYPE_TO_STRING(in_a_directory);
