// SPDX-License-Identifier: MIT
#include <everfold/aggregate/repository_engine.hpp>
#include <everfold/aggregate/state_check.hpp>
#include <everfold/base/error.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace everfold {

namespace {

constexpr revision newest{std::numeric_limits<std::uint64_t>::max()};

/// A state that is used instead of replaying, encoded.
struct claimed_state {
    wrong_state::place where{};
    revision at{};
    byte_buffer state{};
};

std::optional<wrong_state> compare(const claimed_state& claimed, bytes_view folded) {
    if (std::ranges::equal(bytes_view{claimed.state}, folded))
        return {};
    wrong_state out{.where = claimed.where, .at = claimed.at};
    try {
        // Other bytes may be the same state: a hash table has no order.
        auto changes = changes_between(folded, bytes_view{claimed.state});
        if (changes.empty())
            return {};
        out.differences = changes.size();
        out.first = std::move(changes.front());
    } catch (const encoding_error& e) {
        out.unreadable = e.message();
    }
    return out;
}

} // namespace

std::string state_check::to_string() const {
    std::string out = "stream '" + printable(stream) + "': " + std::to_string(events) +
                      " events folded, " + std::to_string(snapshots) +
                      (snapshots == 1 ? " snapshot compared" : " snapshots compared");
    if (snapshots_passed_over > 0)
        out += ", " + std::to_string(snapshots_passed_over) + " passed over";
    if (has_kept)
        out += ", and what is kept in memory";
    out += is_good() ? ": all as the events say\n" : "\n";
    for (const auto& w : wrong) {
        out += w.where == wrong_state::place::snapshot ? "the snapshot" : "what is kept in memory";
        out += " at revision " + std::to_string(w.at.value());
        if (!w.unreadable.empty()) {
            out += " can't be compared: " + w.unreadable + "\n";
            continue;
        }
        const auto text = [](const std::string& json) {
            return json.empty() ? std::string{"nothing"} : printable(json);
        };
        out += " differs in " + std::to_string(w.differences) +
               (w.differences == 1 ? " place, in '" : " places, first in '") +
               printable(w.first.path) + "': the events say " + text(w.first.before) +
               ", and it holds " + text(w.first.after) + "\n";
    }
    return out;
}

namespace detail {

state_check
repository_engine::verify(any_aggregate folded, any_fold fold, const any_aggregate* kept) {
    const auto& stream = folded.base.stream();
    check_name(stream);
    require_no_end(stream);
    state_check out{.stream = stream};

    std::vector<claimed_state> claims;
    auto wanted = newest;
    while (auto found = store_.engine().load_snapshot(stream, functions_.fold_name, wanted)) {
        if (has_our_stamps(*found))
            claims.push_back({wrong_state::place::snapshot, found->at, std::move(found->state)});
        else
            ++out.snapshots_passed_over;
        if (found->at == revision{})
            break;
        wanted = revision{found->at.value() - 1};
    }
    out.snapshots = claims.size();
    if (kept != nullptr && kept->base.last_revision()) {
        out.has_kept = true;
        auto& claim = claims.emplace_back();
        claim = {wrong_state::place::memory, *kept->base.last_revision(), {}};
        functions_.encode(kept->state, claim.state);
    }
    std::ranges::sort(claims, {}, &claimed_state::at);

    const auto replayed_before = stats_.events_replayed;
    byte_buffer state;
    for (const auto& claim : claims) {
        read_tail(folded, fold, claim.at);
        state.clear();
        functions_.encode(folded.state, state);
        if (auto wrong = compare(claim, state))
            out.wrong.push_back(std::move(*wrong));
    }
    // What comes after the last of them can't be wrong, but an apply() may fail on it.
    read_tail(folded, fold, newest);
    out.events = stats_.events_replayed - replayed_before;
    return out;
}

} // namespace detail

} // namespace everfold
