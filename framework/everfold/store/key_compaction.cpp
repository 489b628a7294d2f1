// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/store/key_compaction.hpp>

#include <algorithm>

namespace everfold {

std::string key_compaction_report::to_string() const {
    const auto text = [](std::uint64_t n) { return std::to_string(n); };
    auto out = std::string{is_dry_run ? "would remove " : "removed "} + text(removed) + " of " +
               text(events) + " events, and keep" + (is_dry_run ? "" : "s") +
               " the last of each of " + text(keys) + " keys: " + text(removed_bytes) +
               " bytes of data in " + text(segments) + (segments == 1 ? " segment" : " segments");
    if (!is_dry_run && segments > 0)
        out += "; " + text(bytes_before) + " bytes before, " + text(bytes_after) + " after";
    return out;
}

namespace detail {

key_compaction::key_compaction(store s, const key_compaction_options& options, std::string types)
    : store_{std::move(s)}
    , options_{options}
    , types_{std::move(types)} {
    if (options_.stream && options_.category)
        throw error{
            errc::invalid,
            "compacting by key is for a stream, a category or everything, not two of these"};
    if (options_.stream)
        wanted_.stream(*options_.stream);
    if (options_.category)
        wanted_.category(*options_.category);
    report_.is_dry_run = options_.is_dry_run;
}

void key_compaction::take(
    const recorded_event& e, std::size_t number, std::string_view key, bool may_go
) {
    ++report_.events;
    key_.assign(std::to_string(number));
    key_.append(1, ':').append(std::to_string(e.stream.size())).append(1, ':').append(e.stream);
    key_.append(key);
    const last_event now{e.log_position, e.payload.size() + e.metadata.size(), may_go};
    const auto [found, is_first] = last_.try_emplace(key_, now);
    if (is_first)
        return;
    if (found->second.may_go) {
        superseded_.push_back(found->second.at);
        report_.removed_bytes += found->second.bytes;
    }
    found->second = now;
}

key_compaction_report key_compaction::finish() {
    report_.keys = last_.size();
    std::ranges::sort(superseded_);
    auto why = "compacted by key: " + types_;
    if (!options_.why.empty())
        why += ": " + options_.why;
    const auto done =
        store_.engine().remove(superseded_, {.is_dry_run = options_.is_dry_run, .why = why});
    report_.removed = done.events;
    report_.segments = done.segments;
    report_.bytes_before = done.bytes_before;
    report_.bytes_after = done.bytes_after;
    report_.snapshots = done.snapshots;
    return report_;
}

} // namespace detail
} // namespace everfold
