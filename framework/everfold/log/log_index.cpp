// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/log_index.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace everfold::log {

namespace {

/// Both lists ascend; so does the result.
ordinal_list merged(const ordinal_list& a, const ordinal_list& b) {
    ordinal_list out;
    out.reserve(a.size() + b.size());
    std::ranges::set_union(a, b, std::back_inserter(out));
    return out;
}

/// A list of ordinals that may be the index's own, so that the common case copies once.
class candidate_list {
public:
    void narrow(const ordinal_list& with) {
        if (is_all_) {
            list_ = with;
            is_all_ = false;
            return;
        }
        ordinal_list both;
        std::ranges::set_intersection(list_, with, std::back_inserter(both));
        list_ = std::move(both);
    }

    [[nodiscard]] ordinal_list take(std::uint32_t count) {
        if (is_all_) {
            list_.resize(count);
            for (std::uint32_t i = 0; i < count; ++i)
                list_[i] = i;
        }
        list_.erase(std::ranges::lower_bound(list_, count), list_.end());
        return std::move(list_);
    }

private:
    bool is_all_{true};
    ordinal_list list_{};
};

/// The events of any of the numbers; `list_of(n)` is null where the segment has none.
template <class ListOf>
void narrow_to_any(
    candidate_list& candidates, const std::vector<std::uint32_t>& numbers, const ListOf& list_of
) {
    ordinal_list any;
    const ordinal_list* only = nullptr;
    std::size_t found = 0;
    for (const auto number : numbers) {
        const ordinal_list* list = list_of(number);
        if (list == nullptr)
            continue;
        if (++found == 1) {
            only = list;
            continue;
        }
        any = merged(found == 2 ? *only : any, *list);
    }
    candidates.narrow(found == 1 ? *only : any);
}

ordinal_list
matches_one(const segment_index& index, const selection_item& item, std::uint32_t count) {
    candidate_list candidates;
    for (const auto tag : item.tags) {
        const auto local = index.local_tag_of(tag);
        if (!local)
            return {};
        candidates.narrow(index.of_tag(*local));
    }
    if (item.streams)
        narrow_to_any(candidates, *item.streams, [&](std::uint32_t n) -> const ordinal_list* {
            const auto local = index.local_stream_of(n);
            return local ? &index.of_stream(*local) : nullptr;
        });
    if (item.types)
        narrow_to_any(candidates, *item.types, [&](std::uint32_t n) -> const ordinal_list* {
            const auto local = index.local_type_of(n);
            return local ? &index.of_type(*local) : nullptr;
        });
    return candidates.take(count);
}

} // namespace

std::shared_ptr<segment_source> log_index::last_source() const {
    const std::shared_lock lock{mutex_};
    return segments_.back()->source;
}

const frame_view*
read_known_frame(frame_reader& reader, const segment_view& view, std::size_t number) {
    const auto& index = view.of->index;
    const auto& entry = index.frame(number);
    const auto* frame =
        reader.read(entry.at(), byte_offset{std::numeric_limits<std::uint64_t>::max()});
    const auto chain_before =
        number == 0 ? view.of->chain_start : index.frame(number - 1).chain_after;
    if (frame != nullptr &&
        chain_after(chain_before, frame->header.body_checksum) == entry.chain_after)
        return frame;
    corruption damage{
        view.source->file_name(),
        entry.at(),
        frame == nullptr ? std::string{in_words(reader.fault())}
                         : "the frame is another one than when the log was opened"};
    damage.first_lost = index.first().advanced(entry.first_ordinal);
    throw damage;
}

void log_index::add_segment(const segment_entry& entry, std::shared_ptr<segment_source> source) {
    auto added = std::make_shared<segment>(entry, header_seed(log_id_, entry.id));
    added->source = std::move(source);
    const std::unique_lock lock{mutex_};
    chain_ = entry.chain_start;
    segments_.push_back(std::move(added));
}

const char* log_index::add_batch(const frame_view& frame) {
    const std::unique_lock lock{mutex_};
    chain_ = chain_after(chain_, frame.header.body_checksum);
    return segments_.back()->index.add(frame, chain_, names_, next_revisions_);
}

void log_index::publish() {
    {
        const std::unique_lock lock{mutex_};
        const auto& last = segments_.back()->index;
        end_ = last.first().advanced(last.event_count());
    }
    published_.notify_all();
}

void log_index::move_segment(std::uint64_t number, std::shared_ptr<segment_source> to) {
    const std::unique_lock lock{mutex_};
    const auto found =
        std::ranges::find_if(segments_, [&](const auto& s) { return s->number == number; });
    check(found != segments_.end(), "only a known segment moves");
    (*found)->source = std::move(to);
}

position log_index::end() const {
    const std::shared_lock lock{mutex_};
    return end_;
}

bool log_index::wait_for(position p, std::chrono::milliseconds timeout) const {
    std::shared_lock lock{mutex_};
    return published_.wait_for(lock, std::min(timeout, longest_wait), [&] { return end_ > p; });
}

segment_view log_index::view_of(const std::shared_ptr<segment>& s) const {
    return {s, s->source, visible_in(*s), s->index.frame_count()};
}

std::vector<segment_view> log_index::segments() const {
    const std::shared_lock lock{mutex_};
    std::vector<segment_view> out;
    out.reserve(segments_.size());
    for (const auto& s : segments_)
        out.push_back(view_of(s));
    return out;
}

ordinal_list
log_index::matches(const segment_view& view, const std::vector<selection_item>& items) const {
    const std::shared_lock lock{mutex_};
    ordinal_list out;
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto one = matches_one(view.of->index, items[i], view.event_count);
        out = i == 0 ? std::move(one) : merged(out, one);
    }
    return out;
}

std::uint32_t log_index::visible_in(const segment& s) const {
    // The last segment may hold events that are added but not yet published.
    const auto visible = end_ > s.index.first() ? end_ - s.index.first() : 0;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(visible, s.index.event_count()));
}

std::optional<std::uint64_t> log_index::next_revision(std::uint32_t stream) const {
    const std::shared_lock lock{mutex_};
    for (auto it = segments_.rbegin(); it != segments_.rend(); ++it) {
        const auto& index = (*it)->index;
        const auto local = index.local_stream_of(stream);
        if (!local)
            continue;
        const auto& events = index.of_stream(*local);
        const auto count = std::ranges::lower_bound(events, visible_in(**it)) - events.begin();
        if (count > 0)
            return index.stream(*local).base + static_cast<std::uint64_t>(count);
    }
    return {};
}

std::optional<position> log_index::position_of(std::uint32_t stream, revision r) const {
    const std::shared_lock lock{mutex_};
    for (auto it = segments_.rbegin(); it != segments_.rend(); ++it) {
        const auto& index = (*it)->index;
        const auto local = index.local_stream_of(stream);
        if (!local || index.stream(*local).base > r.value())
            continue;
        const auto& events = index.of_stream(*local);
        const auto at = r.value() - index.stream(*local).base;
        if (at >= events.size() || events[static_cast<std::size_t>(at)] >= visible_in(**it))
            return {};
        return index.first().advanced(events[static_cast<std::size_t>(at)]);
    }
    return {};
}

std::optional<position> log_index::position_at(timestamp t) const {
    const auto views = segments();
    const auto ns = t.to_nanoseconds();
    const auto bound = ns                ? *ns
                       : t.seconds() < 0 ? std::numeric_limits<std::int64_t>::min()
                                         : std::numeric_limits<std::int64_t>::max();
    // recorded_at never falls, so the answer is in the first batch that ends after the bound, or
    // at the end of the one before.
    std::optional<position> best;
    for (const auto& view : views) {
        const auto& index = view.of->index;
        std::size_t low = 0;
        std::size_t high = view.event_count == 0 ? 0 : view.frame_count;
        while (low < high) {
            const auto middle = low + (high - low) / 2;
            if (index.frame(middle).recorded_last_ns <= bound)
                low = middle + 1;
            else
                high = middle;
        }
        if (low > 0) {
            const auto after =
                low < view.frame_count ? index.frame(low).first_ordinal : view.event_count;
            best = index.first().advanced(std::min(after, view.event_count) - 1);
        }
        if (low == view.frame_count || view.event_count == 0)
            continue;
        frame_reader reader{view.source, view.of->seed, batch_bytes_max_};
        const auto* frame = read_known_frame(reader, view, low);
        auto rest = frame->body.subspan(append_id_size);
        auto ordinal = index.frame(low).first_ordinal;
        while (const auto record = take_record(rest, frame->header.recorded_ns)) {
            const auto* event = std::get_if<event_record>(&*record);
            if (event == nullptr)
                continue;
            if (event->recorded_ns > bound || ordinal >= view.event_count)
                break;
            best = index.first().advanced(ordinal);
            ++ordinal;
        }
        return best;
    }
    return best;
}

std::uint64_t log_index::chain_at(position p) const {
    const std::shared_lock lock{mutex_};
    check(p < end_, "the chain is asked for at an event that is there");
    const auto after =
        std::ranges::upper_bound(segments_, p, std::ranges::less{}, [](const auto& s) {
            return s->index.first();
        });
    const auto& index = (*std::prev(after))->index;
    const auto ordinal = static_cast<std::uint32_t>(p - index.first());
    return index.frame(index.frame_of(ordinal, index.frame_count())).chain_after;
}

std::optional<std::uint32_t> log_index::find_stream(std::string_view name) const {
    const std::shared_lock lock{mutex_};
    return names_.streams.find(name);
}

std::optional<std::uint32_t> log_index::find_tag(std::string_view text) const {
    const std::shared_lock lock{mutex_};
    return names_.tags.find(text);
}

std::vector<std::uint32_t> log_index::find_types(std::string_view name) const {
    const std::shared_lock lock{mutex_};
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < names_.types.size(); ++i) {
        if (names_.types[i].name == name)
            out.push_back(i);
    }
    return out;
}

std::uint32_t log_index::intern_stream(std::string_view name) {
    if (const auto known = find_stream(name))
        return *known;
    const std::unique_lock lock{mutex_};
    return names_.streams.intern(name);
}

std::uint32_t log_index::intern_tag(std::string_view text) {
    if (const auto known = find_tag(text))
        return *known;
    const std::unique_lock lock{mutex_};
    return names_.tags.intern(text);
}

std::uint32_t
log_index::intern_type(std::string_view name, std::uint32_t version, payload_format format) {
    {
        const std::shared_lock lock{mutex_};
        if (const auto known = names_.types.find(name, version, format))
            return *known;
    }
    const std::unique_lock lock{mutex_};
    return names_.types.intern(name, version, format);
}

std::uint32_t log_index::stream_count() const {
    const std::shared_lock lock{mutex_};
    return names_.streams.size();
}

} // namespace everfold::log
