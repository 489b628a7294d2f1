// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/event/cbor.hpp>
#include <everfold/event/event.hpp>
#include <everfold/store/stream_rules.hpp>

#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>

namespace everfold {

namespace {

struct truncated {
    static constexpr std::string_view event_type = "$truncated";
    std::string stream{};
    std::uint64_t before{};
};

struct tombstoned {
    static constexpr std::string_view event_type = "$tombstoned";
    std::string stream{};
    patch<std::string> why{}; // absent without one
};

struct retained {
    static constexpr std::string_view event_type = "$retained";
    std::string stream{};
    std::uint64_t max_count{};
    std::int64_t max_age_ns{};
};

// Its metadata are of no type that the framework knows.
constexpr std::string_view described_type = "$described";

struct description {
    std::string_view stream{};
    bytes_view metadata{};
};

description description_of(bytes_view payload) {
    description out;
    cbor_reader reader{payload};
    for (auto left = reader.begin_map(); left > 0; --left) {
        const auto key = reader.read_text();
        if (key == "stream")
            out.stream = reader.read_text();
        else if (const auto item = reader.skip(); key == "metadata")
            out.metadata = item;
    }
    reader.end();
    return out;
}

bool is_own(std::string_view stream) noexcept {
    return stream.starts_with(log::own_stream_prefix);
}

} // namespace

new_event truncated_event(std::string_view stream, revision before) {
    return encoded(truncated{std::string{stream}, before.value()});
}

new_event tombstoned_event(std::string_view stream, std::string_view why) {
    tombstoned out{.stream = std::string{stream}};
    if (!why.empty())
        out.why = std::string{why};
    return encoded(out);
}

new_event retained_event(std::string_view stream, const retention& kept) {
    return encoded(retained{std::string{stream}, kept.max_count, kept.max_age.count()});
}

new_event described_event(std::string_view stream, bytes_view metadata) {
    validate(metadata);
    new_event out{.type = std::string{described_type}};
    cbor_writer writer{out.payload};
    writer.begin_map(2);
    writer.write_text("stream");
    writer.write_text(stream);
    writer.write_text("metadata");
    writer.write_encoded(metadata);
    writer.end();
    writer.finish();
    return out;
}

std::string why_tombstoned(bytes_view payload) {
    const auto said = decode_as<tombstoned>(payload);
    return said.why.has_value() ? said.why.value() : std::string{};
}

bytes_view described_metadata(bytes_view payload) {
    return description_of(payload).metadata;
}

void stream_rules::refresh(const log::log_index& index) {
    const std::unique_lock lock{mutex_};
    for (const auto& view : index.segments()) {
        if (!view.has_own_streams || view.end <= next_)
            continue;
        log::selection wanted{.from = std::max(next_, view.entry->first), .to = view.end};
        wanted.items.emplace_back().streams =
            log::selection_item::stream_names{.exact = {std::string{rules_stream}}};
        log::log_cursor cursor{index, std::move(wanted)};
        while (const auto* event = cursor.next()) {
            add_rule(rules_, index.type(event->type).name, event->record.payload, event->at);
            next_ = event->at.advanced(1);
        }
    }
}

std::string add_rule(
    std::unordered_map<std::string, stream_rule>& rules,
    std::string_view type,
    bytes_view payload,
    position at
) {
    if (type == truncated::event_type) {
        auto e = decode_as<truncated>(payload);
        auto& rule = rules[e.stream];
        rule.begins_at = std::max(rule.begins_at, e.before);
        return std::move(e.stream);
    }
    if (type == tombstoned::event_type) {
        auto e = decode_as<tombstoned>(payload);
        auto& rule = rules[e.stream];
        rule.is_tombstoned = true;
        rule.ended_at = at;
        return std::move(e.stream);
    }
    if (type == retained::event_type) {
        auto e = decode_as<retained>(payload);
        rules[e.stream].kept = {e.max_count, std::chrono::nanoseconds{e.max_age_ns}};
        return std::move(e.stream);
    }
    if (type == described_type) {
        std::string stream{description_of(payload).stream};
        rules[stream].described_at = at;
        return stream;
    }
    throw error{
        errc::unsupported,
        "the log holds a rule for its streams, '" + printable(type) +
            "', that this version does not know"};
}

bool stream_rules::are_none() const {
    const std::shared_lock lock{mutex_};
    return rules_.empty();
}

std::vector<std::string> stream_rules::tombstoned() const {
    std::vector<std::pair<position, std::string>> found;
    {
        const std::shared_lock lock{mutex_};
        for (const auto& [stream, rule] : rules_)
            if (rule.ended_at)
                found.emplace_back(*rule.ended_at, stream);
    }
    std::ranges::sort(found);
    std::vector<std::string> out;
    for (auto& [at, stream] : found)
        out.push_back(std::move(stream));
    return out;
}

std::optional<stream_rule> stream_rules::of(std::string_view stream) const {
    const std::shared_lock lock{mutex_};
    const auto found = rules_.find(std::string{stream});
    return found == rules_.end() ? std::nullopt : std::optional{found->second};
}

bool stream_rules::is_tombstoned(std::string_view stream) const {
    const auto rule = of(stream);
    return rule && rule->is_tombstoned;
}

reachable_now::reachable_now(
    const stream_rules& rules, const log::log_index& index, timestamp now, bool shows_own
)
    : rules_{&rules}
    , index_{&index}
    , now_{now}
    , has_rules_{!rules.are_none()}
    , shows_own_{shows_own} {}

bool reachable_now::concerns(bool has_own) const {
    return has_rules_ || (has_own && !shows_own_);
}

log::reach reachable_now::of(std::string_view stream) const {
    constexpr log::reach nothing{.from_revision = std::numeric_limits<std::uint64_t>::max()};
    if (is_own(stream))
        return shows_own_ ? log::reach{} : nothing;
    if (!has_rules_)
        return {};
    const auto rule = rules_->of(stream);
    if (!rule)
        return {};
    if (rule->is_tombstoned)
        return nothing;
    log::reach out{.from_revision = rule->begins_at};
    if (rule->kept.max_count > 0) {
        const auto next = index_->next_revision(stream).value_or(0);
        if (next > rule->kept.max_count)
            out.from_revision = std::max(out.from_revision, next - rule->kept.max_count);
    }
    const auto now_ns = now_.to_nanoseconds().value_or(0);
    if (rule->kept.max_age.count() > 0 && now_ns > rule->kept.max_age.count())
        out.from_recorded_ns = now_ns - rule->kept.max_age.count();
    return out;
}

log::removal unreachable_in(
    const log::readable_segment& in,
    const log::log_index& index,
    const stream_rules& rules,
    const reachable_now& reachable
) {
    log::removal out;
    log::ordinal_list events;
    const auto& here = *in.index;
    const auto recorded_before = [&](std::uint32_t ordinal, std::int64_t ns) {
        // The batch's last event: none of it is younger.
        return here.frame(here.frame_of(ordinal, in.frame_count)).recorded_last_ns < ns;
    };
    for (std::uint32_t i = 0; i < here.stream_count(); ++i) {
        const auto name = here.stream(i).name;
        if (is_own(name))
            continue;
        const auto reach = reachable.of(name);
        if (reach == log::reach{})
            continue;
        events.clear();
        here.append_stream(i, events);
        std::erase_if(events, [&](std::uint32_t ordinal) { return ordinal >= in.event_count; });
        const auto kept_from = here.first_in_stream_from(i, revision{reach.from_revision});
        std::uint32_t gone = 0;
        while (gone < events.size() &&
               (gone < kept_from || recorded_before(events[gone], reach.from_recorded_ns)))
            ++gone;
        out.events.insert(out.events.end(), events.begin(), events.begin() + gone);
        if (gone < events.size())
            continue;
        const auto next_here =
            events.empty()
                ? here.stream(i).base
                : here.revision_in_stream(i, static_cast<std::uint32_t>(events.size() - 1))
                          .value() +
                      1;
        // A later segment knows how the stream goes on, or nobody needs to.
        if (rules.is_tombstoned(name) || index.next_revision(name) != next_here)
            out.forgotten.push_back(i);
    }
    std::ranges::sort(out.events);
    return out;
}

} // namespace everfold
