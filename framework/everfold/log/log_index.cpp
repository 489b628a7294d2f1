// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/index_at_close.hpp>
#include <everfold/log/log_index.hpp>
#include <everfold/log/remains.hpp>

#include <algorithm>
#include <iterator>
#include <limits>
#include <ranges>
#include <unordered_set>
#include <utility>

namespace everfold::log {

const frame_view*
read_known_frame(frame_reader& reader, const readable_segment& in, std::size_t number) {
    constexpr byte_offset nowhere{std::numeric_limits<std::uint64_t>::max()};
    const auto entry = in.index->frame(number);
    const auto* frame =
        number + 1 < in.frame_count
            ? reader.read(entry.at(), nowhere, in.index->frame(number + 1).at() - entry.at())
            : reader.read(entry.at(), nowhere);
    const auto chain_before =
        number == 0 ? in.entry->chain_start : in.index->frame(number - 1).chain_after;
    if (frame != nullptr && chain_through(*frame, chain_before) == entry.chain_after)
        return frame;
    corruption damage{
        in.source->file_name(),
        entry.at(),
        frame == nullptr ? std::string{in_words(reader.fault())}
                         : "the frame is another one than the index knows"};
    damage.first_lost = in.entry->first.advanced(entry.first_ordinal);
    throw damage;
}

log_index::log_index(
    uuid log_id, std::uint32_t batch_bytes_max, std::unique_ptr<segment_files> files
)
    : log_id_{log_id}
    , batch_bytes_max_{batch_bytes_max}
    , files_{std::move(files)} {}

// ---- growing

void log_index::add_sealed(const segment_entry& entry) {
    const std::unique_lock lock{mutex_};
    segments_.push_back({.entry = std::make_shared<const segment_entry>(entry)});
}

void log_index::add_active(
    const segment_entry& entry,
    std::shared_ptr<segment_source> source,
    std::shared_ptr<growing_index> known
) {
    if (known == nullptr)
        known = std::make_shared<growing_index>(entry.first);
    segment added{
        .entry = std::make_shared<const segment_entry>(entry),
        .source = std::move(source),
        .growing = std::move(known)};
    const std::unique_lock lock{mutex_};
    segments_.push_back(std::move(added));
}

const char* log_index::add_batch(const frame_view& frame, std::uint64_t chain_after) {
    const chained_frame one{frame, chain_after};
    return add_batches({&one, 1});
}

const char* log_index::add_batches(std::span<const chained_frame> frames) {
    const std::unique_lock lock{mutex_};
    auto& growing = *segments_.back().growing;
    for (const auto& f : frames)
        if (const auto* fault = growing.add(f.frame, f.chain_after))
            return fault;
    return nullptr;
}

void log_index::publish() {
    {
        const std::unique_lock lock{mutex_};
        const auto& last = segments_.back();
        end_ = last.entry->first.advanced(last.growing->event_count());
    }
    published_.notify_all();
}

void log_index::seal_active(const segment_entry& entry) {
    const std::unique_lock lock{mutex_};
    auto& last = segments_.back();
    check(last.entry->number == entry.number, "the segment that is sealed is the active one");
    last.entry = std::make_shared<const segment_entry>(entry);
    last.source.reset(); // opened again like any other
}

void log_index::follow_rotation(
    const segment_entry& sealed,
    std::span<const segment_entry> added,
    std::shared_ptr<segment_source> source
) {
    auto entry = std::make_shared<const segment_entry>(sealed);
    std::vector<segment> behind;
    behind.reserve(added.size());
    for (const auto& one : added)
        behind.push_back({.entry = std::make_shared<const segment_entry>(one)});
    behind.back().source = std::move(source);
    behind.back().growing = std::make_shared<growing_index>(added.back().first);
    const std::unique_lock lock{mutex_};
    segments_.reserve(segments_.size() + behind.size());
    auto& last = segments_.back();
    check(last.entry->number == sealed.number, "the segment that is sealed is the active one");
    last.entry = std::move(entry);
    last.source.reset(); // opened again like any other
    last.growing.reset();
    std::ranges::move(behind, std::back_inserter(segments_));
}

void log_index::replace_active_index(std::shared_ptr<growing_index> again) {
    const std::unique_lock lock{mutex_};
    segments_.back().growing.swap(again); // who reads the one before, has it
}

void log_index::store_active_index(const walk_state& at) {
    std::shared_ptr<const segment_entry> entry;
    std::shared_ptr<const growing_index> growing;
    {
        const std::shared_lock lock{mutex_};
        entry = segments_.back().entry;
        growing = segments_.back().growing;
    }
    const auto of = identity_of_active(log_id_, *entry, *growing, at);
    files_->store_active_index(*entry, *growing, of);
}

void log_index::store_index(std::uint64_t number) {
    std::shared_ptr<const segment_entry> entry;
    std::shared_ptr<growing_index> growing;
    {
        const std::shared_lock lock{mutex_};
        const auto& s = numbered(number);
        entry = s.entry;
        growing = s.growing;
    }
    if (growing == nullptr)
        return;
    auto stored = files_->store_index(*entry, *growing);
    if (stored == nullptr)
        return;
    const std::unique_lock lock{mutex_};
    auto& s = numbered(number);
    if (s.entry->id != entry->id)
        return; // it was rewritten meanwhile
    s.index = std::move(stored);
    s.growing.reset();
}

void log_index::move_segment(std::shared_ptr<const segment_entry> entry) {
    std::shared_ptr<const segment_entry> before;
    {
        const std::shared_lock lock{mutex_};
        before = numbered(entry->number).entry;
    }
    replace_entry(std::move(entry));
    files_->forget(*before);
}

log_index::segment& log_index::numbered(std::uint64_t number) const {
    const auto found =
        std::ranges::find(segments_, number, [](const segment& s) { return s.entry->number; });
    check(found != segments_.end(), "only a known segment is asked for");
    return *found;
}

// ---- reading

position log_index::end() const {
    const std::shared_lock lock{mutex_};
    return end_;
}

std::uint64_t log_index::event_count() const {
    const std::shared_lock lock{mutex_};
    std::uint64_t out = 0;
    for (const auto& s : segments_)
        out += visible_in(s);
    return out;
}

bool log_index::wait_for(position p, std::chrono::milliseconds timeout) const {
    std::shared_lock lock{mutex_};
    return published_.wait_for(lock, std::min(timeout, longest_wait), [&] { return end_ > p; });
}

std::uint32_t log_index::visible_in(const segment& s) const {
    if (s.entry->kind != segment_kind::active)
        return static_cast<std::uint32_t>(s.entry->event_count);
    // The active segment may hold events that are added but not yet published.
    return static_cast<std::uint32_t>(end_ > s.entry->first ? end_ - s.entry->first : 0);
}

segment_view log_index::view_of(const segment& s) const {
    const auto is_active = s.entry->kind == segment_kind::active;
    return {
        s.entry,
        visible_in(s),
        is_active ? std::max(end_, s.entry->first) : s.entry->end,
        s.growing == nullptr ? 0 : s.growing->frame_count(),
        is_active ? s.growing->summary().has_own_streams : s.entry->has_own_streams};
}

std::vector<segment_view> log_index::segments() const {
    const std::shared_lock lock{mutex_};
    std::vector<segment_view> out;
    out.reserve(segments_.size());
    for (const auto& s : segments_)
        out.push_back(view_of(s));
    return out;
}

template <class Use>
auto log_index::with_entry(std::uint64_t number, const Use& use) const {
    for (;;) {
        std::shared_ptr<const segment_entry> entry;
        {
            const std::shared_lock lock{mutex_};
            entry = numbered(number).entry;
        }
        try {
            return use(entry);
        } catch (const error&) {
            // A writer has replaced the segment's file meanwhile, and deleted the one that we know.
            if (!take_in_replacement(*entry))
                throw;
        }
    }
}

bool log_index::take_in_replacement(const segment_entry& known) const {
    {
        const std::shared_lock lock{mutex_};
        if (numbered(known.number).entry->file != known.file)
            return true; // somebody else has noticed
    }
    const auto now = files_->replaced(known);
    if (now)
        replace_entry(std::make_shared<const segment_entry>(*now));
    return now.has_value();
}

void log_index::replace_entry(std::shared_ptr<const segment_entry> entry) const {
    const std::unique_lock lock{mutex_};
    auto& s = numbered(entry->number);
    if (s.entry->id != entry->id) {
        s.index.reset(); // of what was there before
        s.growing.reset();
    }
    s.entry = std::move(entry);
}

std::shared_ptr<const segment_index> log_index::index_of(std::uint64_t number) const {
    {
        const std::shared_lock lock{mutex_};
        const auto& s = numbered(number);
        if (s.index != nullptr)
            return s.index;
        if (s.growing != nullptr)
            return s.growing;
    }
    return with_entry(number, [&](const std::shared_ptr<const segment_entry>& entry) {
        return index_of_entry(*entry);
    });
}

std::shared_ptr<const segment_index> log_index::index_of_entry(const segment_entry& entry) const {
    {
        const std::shared_lock lock{mutex_};
        const auto& s = numbered(entry.number);
        if (s.entry->id == entry.id && s.index != nullptr)
            return s.index;
        if (s.entry->id == entry.id && s.growing != nullptr)
            return s.growing;
    }
    auto opened = files_->index_of(entry);
    const std::unique_lock lock{mutex_};
    auto& s = numbered(entry.number);
    if (s.entry->id != entry.id)
        return opened;
    if (s.index == nullptr) // or another thread was faster; one copy is enough
        s.index = std::move(opened);
    return s.index;
}

readable_segment log_index::open(const segment_view& view) const {
    if (view.is_active()) {
        const std::shared_lock lock{mutex_};
        const auto& s = numbered(view.entry->number);
        if (s.growing != nullptr && s.source != nullptr)
            return {
                .entry = view.entry,
                .seed = header_seed(log_id_, view.entry->id),
                .source = s.source,
                .index = s.growing,
                .event_count = view.event_count,
                .frame_count = view.growing_frames};
    }
    // Sealed, if only since the view was taken; replaced, maybe.
    const auto open_one = [&](const std::shared_ptr<const segment_entry>& entry) {
        auto index = index_of_entry(*entry);
        const auto events = std::min(index->event_count(), index->ordinal_from(view.end));
        const auto frames = index->frame_count();
        return readable_segment{
            .entry = entry,
            .seed = header_seed(log_id_, entry->id),
            .source = files_->source_of(*entry),
            .index = std::move(index),
            .event_count = events,
            .frame_count = frames};
    };
    return with_entry(view.entry->number, open_one);
}

std::vector<item_plan> log_index::plan(
    const readable_segment& in, const std::vector<selection_item>& items, ordinal_range within
) const {
    std::shared_lock lock{mutex_, std::defer_lock};
    if (in.entry->kind == segment_kind::active)
        lock.lock();
    std::vector<item_plan> out;
    out.reserve(items.size());
    for (const auto& item : items)
        out.push_back(plan_of(*in.index, item, within));
    return out;
}

candidates log_index::collect(
    const readable_segment& in,
    const std::vector<selection_item>& items,
    const std::vector<item_plan>& plans,
    ordinal_range within
) const {
    std::shared_lock lock{mutex_, std::defer_lock};
    if (in.entry->kind == segment_kind::active)
        lock.lock();
    return log::collect(*in.index, items, plans, within);
}

std::optional<std::uint64_t> log_index::next_revision(std::string_view stream) const {
    for (const auto& view : segments() | std::views::reverse) {
        const auto index = index_of(view.entry->number);
        const std::shared_lock lock{mutex_}; // it may grow
        const auto number = index->find_stream(stream);
        if (!number)
            continue;
        auto count = index->count_of_stream(*number);
        if (view.is_active()) {
            count = index->count_of_stream_before(*number, view.event_count); // what is visible
        } else if (count == 0) {
            return index->stream(*number).base; // its events are gone, its revisions are not
        }
        if (count > 0)
            return index->revision_in_stream(*number, count - 1).value() + 1;
    }
    return {};
}

std::optional<position> log_index::position_of(std::string_view stream, revision r) const {
    for (const auto& view : segments() | std::views::reverse) {
        const auto index = index_of(view.entry->number);
        const std::shared_lock lock{mutex_}; // it may grow
        const auto number = index->find_stream(stream);
        if (!number || index->stream(*number).base > r.value())
            continue;
        const auto i = index->first_in_stream_from(*number, r);
        if (i >= index->count_of_stream(*number))
            return {};
        const auto at = static_cast<std::uint32_t>(i);
        const auto found = index->position_of(index->ordinal_in_stream(*number, at));
        if (index->revision_in_stream(*number, at) != r || found >= view.end)
            return {};
        return found;
    }
    return {};
}

std::optional<position> log_index::position_from(std::string_view stream, revision r) const {
    std::optional<position> out;
    for (const auto& view : segments() | std::views::reverse) {
        const auto index = index_of(view.entry->number);
        const std::shared_lock lock{mutex_}; // it may grow
        const auto number = index->find_stream(stream);
        if (!number)
            continue;
        const auto i = index->first_in_stream_from(*number, r);
        if (i < index->count_of_stream(*number)) {
            const auto ordinal = index->ordinal_in_stream(*number, static_cast<std::uint32_t>(i));
            if (index->position_of(ordinal) < view.end)
                out = index->position_of(ordinal);
        }
        if (index->stream(*number).base <= r.value())
            break; // what lies before is before `r`
    }
    return out;
}

std::optional<position> log_index::position_at(timestamp t) const {
    const auto ns = t.to_nanoseconds();
    const auto bound = ns                ? *ns
                       : t.seconds() < 0 ? std::numeric_limits<std::int64_t>::min()
                                         : std::numeric_limits<std::int64_t>::max();
    // recorded_at never falls, so the answer is in the first batch that ends after the bound, or
    // it is the last event before that batch.
    for (const auto& view : segments() | std::views::reverse) {
        if (view.event_count == 0)
            continue;
        const auto in = open(view);
        if (const auto found = ordinal_at(in, bound))
            return in.index->position_of(*found);
    }
    return {};
}

std::optional<std::uint32_t>
log_index::ordinal_at(const readable_segment& in, std::int64_t bound) const {
    std::size_t low = 0;
    std::size_t high = in.frame_count;
    while (low < high) {
        const auto middle = low + (high - low) / 2;
        if (in.index->frame(middle).recorded_last_ns <= bound)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == in.frame_count)
        return in.event_count == 0 ? std::nullopt : std::optional{in.event_count - 1};
    auto next = std::min(in.index->frame(low).first_ordinal, in.event_count);
    frame_reader reader{in.source, in.seed, batch_bytes_max_};
    const auto* frame = read_known_frame(reader, in, low);
    auto rest = records_of(*frame);
    while (const auto record = take_record(rest, frame->header.recorded_ns)) {
        const auto* event = std::get_if<event_record>(&*record);
        if (event == nullptr)
            continue;
        if (event->recorded_ns > bound || next >= in.event_count)
            break;
        ++next;
    }
    return next == 0 ? std::nullopt : std::optional{next - 1};
}

std::optional<std::uint64_t> log_index::chain_at(position p) const {
    const auto views = segments();
    const auto after =
        std::ranges::upper_bound(views, p, std::ranges::less{}, [](const segment_view& v) {
            return v.entry->first;
        });
    const auto& view = *std::prev(after);
    check(p < view.end, "the chain is asked for at a position that is there");
    const auto index = index_of(view.entry->number);
    const auto frames = view.is_active() ? view.growing_frames : index->frame_count();
    const auto ordinal = index->ordinal_from(p);
    if (ordinal >= index->event_count() || index->position_of(ordinal) != p)
        return {};
    return index->frame(index->frame_of(ordinal, frames)).chain_after;
}

found_append log_index::read_append(const readable_segment& in, std::size_t frame) const {
    frame_reader reader{in.source, in.seed, batch_bytes_max_};
    const auto* found = read_known_frame(reader, in, frame);
    return {append_id_of(*found), found->header.first, found->header.event_count};
}

std::optional<found_append> log_index::find_append(const uuid& id) const {
    auto left = append_id_segments + 1;
    for (const auto& view : segments() | std::views::reverse) {
        if (left-- == 0)
            break;
        const auto index = index_of(view.entry->number);
        const auto frame = [&] {
            const std::shared_lock lock{mutex_}; // it may grow
            return index->find_append(id);
        }();
        if (frame)
            return read_append(open(view), *frame);
    }
    return {};
}

found_append log_index::append_of(position p) const {
    const auto views = segments();
    const auto after =
        std::ranges::upper_bound(views, p, std::ranges::less{}, [](const segment_view& v) {
            return v.entry->first;
        });
    const auto in = open(*std::prev(after));
    const auto ordinal = in.index->ordinal_from(p);
    check(ordinal < in.event_count, "a batch is asked for by an event that is there");
    return read_append(in, in.index->frame_of(ordinal, in.frame_count));
}

std::vector<std::string> log_index::stream_names() const {
    std::vector<std::string> out;
    std::unordered_set<std::string> known;
    for (const auto& view : segments()) {
        const auto index = index_of(view.entry->number);
        const std::shared_lock lock{mutex_}; // it may grow
        for (std::uint32_t i = 0; i < index->stream_count(); ++i) {
            if (index->count_of_stream(i) == 0 ||
                index->ordinal_in_stream(i, 0) >= view.event_count)
                continue;
            const auto name = index->stream(i).name;
            if (known.emplace(name).second)
                out.emplace_back(name);
        }
    }
    return out;
}

std::uint32_t log_index::number_of(const type_entry& type) const {
    {
        const std::shared_lock lock{mutex_};
        if (const auto known = types_.find(type.name, type.version, type.format))
            return *known;
    }
    const std::unique_lock lock{mutex_};
    return types_.intern(type.name, type.version, type.format);
}

const growing_index& log_index::active() const {
    const std::shared_lock lock{mutex_};
    return *segments_.back().growing;
}

std::shared_ptr<segment_source> log_index::active_source() const {
    const std::shared_lock lock{mutex_};
    return segments_.back().source;
}

} // namespace everfold::log
