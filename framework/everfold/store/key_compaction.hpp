// SPDX-License-Identifier: MIT
#pragma once
// Keeping the last event for each key, where that is enough. docs/guide/compaction_by_key.md.

#include <everfold/event/last_wins.hpp>
#include <everfold/event/stored_forms.hpp>
#include <everfold/store/query.hpp>
#include <everfold/store/recorded_event.hpp>
#include <everfold/store/store.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace everfold {

struct key_compaction_options {
    /// At most one of them; without, all streams. Keys are compared within one stream only.
    std::optional<std::string> stream{};
    std::optional<std::string> category{};
    /// Says what would be removed, and removes nothing.
    bool is_dry_run{};
    /// Goes into the record of the removal, behind the names of the types.
    std::string why{};
};

/// What compacting by key removed, or would remove.
struct [[nodiscard]] key_compaction_report {
    /// Of the types, that were looked at; and how many keys they have in their streams.
    std::uint64_t events{};
    std::uint64_t keys{};
    std::uint64_t removed{};
    /// Of data and metadata of the removed events.
    std::uint64_t removed_bytes{};
    /// Of what was written anew; see scavenge_report.
    std::uint64_t segments{};
    std::uint64_t bytes_before{};
    std::uint64_t bytes_after{};
    std::uint64_t snapshots{};
    bool is_dry_run{};

    /// One sentence for people.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const key_compaction_report&, const key_compaction_report&) = default;
};

namespace detail {

/// The part of compact_by_key() that is compiled once.
class key_compaction {
public:
    /// `types` is what the record of the removal calls them.
    key_compaction(store s, const key_compaction_options& options, std::string types);

    /// Events of this name are looked at.
    void look_at(std::string_view type) { wanted_.type(std::string{type}); }

    [[nodiscard]] event_range events() { return store_.read(wanted_); }

    /// The event at hand has this key of the type that is `number` in the list. Where `may_go` is
    /// false, it is kept, and what it supersedes goes all the same.
    void take(const recorded_event& e, std::size_t number, std::string_view key, bool may_go);

    /// Removes what is superseded.
    [[nodiscard]] key_compaction_report finish();

private:
    struct last_event {
        position at{};
        std::uint64_t bytes{};
        bool may_go{};
    };

    store store_;
    key_compaction_options options_;
    std::string types_;
    query wanted_{};
    std::unordered_map<std::string, last_event> last_{};
    std::vector<position> superseded_{};
    std::string key_{};
    key_compaction_report report_{};
};

/// Whether the stored event is one E, and may go once it is superseded. An event that was split
/// stays: it is the other parts, too.
template <event E>
[[nodiscard]] bool is_whole_event(const recorded_event& e) noexcept {
    for (std::size_t i = forms_of<E>::count - forms_of<E>::whole::count; i < forms_of<E>::count;
         ++i)
        if (forms_of<E>::all[i].type == e.type && forms_of<E>::all[i].version == e.version)
            return false;
    return true;
}

template <event E>
void take_as(
    key_compaction& into, const recorded_event& e, std::size_t number, bool is_shared, E& slot
) {
    if (!e.is<E>() || !e.try_decode_into(slot))
        return;
    std::string key;
    everfold::append_key(slot, key);
    into.take(e, number, key, !is_shared && is_whole_event<E>(e));
}

} // namespace detail

/// Removes for good, of each of the event types and in each stream, all events but the last one
/// with the same key. Only for types that say so:
///     static constexpr auto last_wins = everfold::last_wins_by<&price_set::symbol>;
/// Older versions and former names are read as today's, to find their keys. Positions and revisions
/// of what stays do not change; the removal is written down, as that of a scavenge.
///
/// Memory:     for each key its text and some 100 bytes, for each removed event 8 bytes.
/// Durability: what it returned for stays removed. A crash leaves each event that is not
/// superseded,
///             and some of the others; the same call again removes the rest.
/// Failure:    schema_error where an event can't be read as one of the types, and then nothing was
///             removed; errc::invalid; what scavenge() throws.
template <event... Es>
key_compaction_report compact_by_key(store s, const key_compaction_options& options = {}) {
    static_assert(sizeof...(Es) > 0, "everfold: compact_by_key names the event types it is for");
    static_assert(events<Es...>::size > 0); // whose names are distinct
    if constexpr ((detail::explain_last_wins<Es>() && ...)) {
        std::string types;
        ((types.append(types.empty() ? "" : ", ").append(event_type_of<Es>)), ...);
        detail::key_compaction run{std::move(s), options, std::move(types)};
        (detail::for_each_name<Es>([&run](std::string_view name) { run.look_at(name); }), ...);
        std::tuple<Es...> slots{};
        for (const auto& e : run.events()) {
            const bool is_shared = (std::size_t{e.is<Es>()} + ...) > 1;
            std::size_t number = 0;
            std::apply(
                [&](Es&... slot) { (detail::take_as(run, e, number++, is_shared, slot), ...); },
                slots
            );
        }
        return run.finish();
    } else {
        return {};
    }
}

} // namespace everfold
