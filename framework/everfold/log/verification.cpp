// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/discovery.hpp>
#include <everfold/log/growing_index.hpp>
#include <everfold/log/index_at_close.hpp>
#include <everfold/log/opening.hpp>
#include <everfold/log/remains.hpp>
#include <everfold/log/salvage.hpp>
#include <everfold/log/segment_file.hpp>
#include <everfold/log/verification.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

namespace everfold::log {

namespace {

/// Where each stream has got to.
class stream_continuity {
public:
    /// The events of one segment, from which `removed` are gone. A sentence where a stream does not
    /// go on where it ended.
    std::string take(const segment_index& index, std::uint64_t removed) {
        std::string fault;
        unused_removals_ += removed;
        for (std::uint32_t i = 0; i < index.stream_count(); ++i) {
            const auto stream = index.stream(i);
            auto& next = next_[std::string{stream.name}];
            const auto count = index.count_of_stream(i);
            const auto end =
                count == 0 ? stream.base : index.revision_in_stream(i, count - 1).value() + 1;
            // A revision may be missing for each event that was removed, and for nothing else.
            const bool follows = stream.base >= next && end - next - count <= unused_removals_;
            if (follows)
                unused_removals_ -= end - next - count;
            else if (!is_interrupted_ && fault.empty())
                fault = "the stream '" + printable(stream.name) + "' begins at revision " +
                        std::to_string(stream.base) + " in this segment, and not at " +
                        std::to_string(next);
            next = end;
        }
        return fault;
    }

    /// A segment is not known as a whole: what follows can't be compared with it.
    void interrupt() noexcept { is_interrupted_ = true; }

private:
    std::unordered_map<std::string, std::uint64_t> next_{};
    bool is_interrupted_{};
    std::uint64_t unused_removals_{}; // events that were removed, less revisions that are missing
};

/// How much was known before a segment was read.
struct removal_counts {
    std::uint64_t events{};
    std::size_t records{};
};

/// One segment, and what its manifest entry says of it.
struct subject {
    const segment_entry* entry{};
    const segment_entry* before{};
    std::shared_ptr<forgiving_source> source{};
    byte_offset end{};
    bool is_listed{true};
    /// Before this offset, what the active segment does not hold is damage; behind it, a torn tail.
    byte_offset durable{};
};

class verifying {
public:
    verifying(
        const io::machine& machine,
        const std::string& directory,
        const event_check& check_event,
        const std::function<void(std::uint64_t)>& on_progress
    )
        : machine_{&machine}
        , directory_{&directory}
        , check_event_{&check_event}
        , on_progress_{&on_progress} {}

    verification run() {
        std::optional<damaged_place> opening;
        try {
            const auto log = load_for_reading(*machine_, *directory_);
            verify_loaded(log);
            return std::move(out_);
        } catch (const corruption& e) {
            opening = place_of(e);
        }
        out_ = {};
        streams_ = {};
        verify_found(*opening);
        return std::move(out_);
    }

private:
    void verify_loaded(const loaded_log& log) {
        const auto& entries = log.content.segments;
        out_.torn_bytes = log.notes.torn_bytes;
        out_.notes = log.notes.notes;
        begin(log.content.log_id, log.content.limits.batch_bytes_max, &log.index->files());
        for (std::size_t i = 0; i < entries.size(); ++i) {
            subject s{.entry = &entries[i], .before = i == 0 ? nullptr : &entries[i - 1]};
            // A writer archives it, or removes events from it, meanwhile.
            const bool is_gone = s.entry->kind != segment_kind::active &&
                                 machine_->files->kind(io::join(*directory_, s.entry->file)) ==
                                     io::path_kind::missing;
            const auto now = is_gone ? files_->replaced(*s.entry) : std::nullopt;
            if (now)
                s.entry = &*now;
            std::optional<damaged_place> why;
            try {
                const bool is_active = s.entry->kind == segment_kind::active;
                s.source = std::make_shared<forgiving_source>(
                    is_active ? log.index->active_source() : files_->source_of(*s.entry)
                );
                s.end = is_active ? log.active.at : s.entry->end_offset;
                s.durable = s.end;
            } catch (const corruption& e) {
                why = place_of(e);
                open_anyway(s);
            }
            if (s.source != nullptr)
                verify_one(s);
            if (why)
                add_unless_known(*why);
        }
    }

    /// Of a log that does not open: what is there.
    void verify_found(const damaged_place& opening) {
        const auto found = discover(*machine_, *directory_);
        out_.damage = found.damage;
        out_.notes = found.notes;
        segment_files files{
            *machine_, *directory_, found.log_id, found.limits.batch_bytes_max, false};
        begin(found.log_id, found.limits.batch_bytes_max, &files);
        const segment_entry* before = nullptr;
        for (const auto& segment : found.segments) {
            const auto& e = segment.entry;
            subject s{.entry = &e, .before = before, .is_listed = segment.is_listed};
            before = &e;
            if (segment.is_there)
                open_anyway(s);
            if (s.source == nullptr) {
                streams_.interrupt();
                continue;
            }
            if (found.head && found.head->mark.segment_id == e.id)
                s.durable = found.head->mark.durable;
            verify_one(s);
        }
        add_unless_known(opening);
        files_ = nullptr;
    }

    void begin(const uuid& log_id, std::uint32_t batch_bytes_max, segment_files* files) {
        log_id_ = log_id;
        batch_bytes_max_ = batch_bytes_max;
        files_ = files;
    }

    /// Whatever of it can be read.
    void open_anyway(subject& s) {
        try {
            s.source = open_found(*machine_, *directory_, *s.entry);
            s.end = byte_offset{s.source->size()};
            const bool is_sealed = s.is_listed && s.entry->kind != segment_kind::active;
            if (is_sealed)
                s.end = std::min(s.end, s.entry->end_offset);
        } catch (const error& e) {
            if (std::ranges::none_of(out_.damage, [&](const damaged_place& d) {
                    return d.file == io::join(*directory_, s.entry->file);
                }))
                out_.damage.push_back(
                    {.file = io::join(*directory_, s.entry->file),
                     .what = e.message(),
                     .first_lost = s.entry->first}
                );
        }
    }

    /// What opening complained of, where reading on has not met it.
    void add_unless_known(const damaged_place& place) {
        if (std::ranges::find(out_.damage, place.file, &damaged_place::file) == out_.damage.end())
            out_.damage.push_back(place);
    }

    void add_damage(
        const subject& s,
        byte_offset at,
        byte_offset end,
        std::string what,
        std::optional<position> first_lost
    ) {
        // Of an archive the block is named, which is where the file is wrong.
        if (const auto* gap = s.source->gap_in(at, std::max(end, at.next()))) {
            at = gap->in_file;
            what = gap->what;
        }
        out_.damage.push_back(
            {.file = s.source->file_name(),
             .at = at,
             .what = std::move(what),
             .first_lost = first_lost}
        );
    }

    void verify_one(const subject& s) {
        const auto& entry = *s.entry;
        ++out_.segments;
        out_.archived_segments += entry.kind == segment_kind::archived ? 1U : 0U;
        out_.written_bytes += s.source->size();
        out_.stored_bytes += s.source->stored_size();
        const auto known = out_.damage.size();
        frame_reader reader{s.source, header_seed(log_id_, entry.id), batch_bytes_max_};
        salvage_state state{.walk = beginning_of(entry, s.before)};
        state.is_chain_known = s.is_listed;
        std::unique_ptr<growing_index> index;
        if (s.is_listed)
            index = std::make_unique<growing_index>(
                entry.first,
                entry.is_rewritten ? growing_index::of::rewritten : growing_index::of::as_written
            );
        const removal_counts before{out_.removed_events, out_.removals.size()};
        salvage_frames(
            reader,
            s.end,
            state,
            [&](const frame_view& frame, std::optional<std::uint64_t> chain) {
                if (frame.header.kind == frame_kind::provenance)
                    take_provenance(s, frame);
                if (frame.header.kind != frame_kind::batch &&
                    frame.header.kind != frame_kind::remains)
                    return;
                if (!state.is_whole || !chain)
                    index.reset();
                take_batch(s, frame, chain.value_or(0), index, known);
            },
            [&](const lost_stretch& l) {
                if (is_torn(s, reader, l, state.walk.watermark)) {
                    out_.torn_bytes += l.end - l.at;
                    return false;
                }
                const bool loses = !l.behind || *l.behind > l.first;
                add_damage(s, l.at, l.end, l.what, loses ? std::optional{l.first} : std::nullopt);
                return true;
            }
        );
        check_end(s, state, index.get(), known, before);
        (*on_progress_)(state.walk.next.value());
    }

    /// An append that nobody acknowledged, in a log that does not open for another reason.
    [[nodiscard]] bool is_torn(
        const subject& s, const frame_reader& reader, const lost_stretch& l, byte_offset watermark
    ) const {
        if (s.entry->kind != segment_kind::active || s.durable == byte_offset{})
            return false;
        return is_behind_durable(
            s.source,
            header_seed(log_id_, s.entry->id),
            reader.batch_bytes_max(),
            l.at,
            s.end,
            std::max(s.durable, watermark)
        );
    }

    void take_batch(
        const subject& s,
        const frame_view& frame,
        std::uint64_t chain,
        std::unique_ptr<growing_index>& index,
        std::size_t known
    ) {
        const auto first = frame.header.first;
        std::vector<removed_run> runs;
        if (frame.header.kind == frame_kind::remains)
            runs = decode_remains(frame).value_or(remains{}).runs;
        std::uint64_t removed = 0;
        for (const auto& run : runs)
            removed += run.count;
        out_.removed_events += removed;
        if (out_.damage.size() > known) {
            auto& last = out_.damage.back();
            if (!last.next_intact)
                last.next_intact = first;
            last.intact_behind += frame.header.event_count - removed;
        }
        if (index != nullptr) {
            if (const auto* fault = index->add(frame, chain)) {
                add_damage(s, frame.at, frame.end(), fault, first);
                index.reset();
                return;
            }
        }
        places_left places{runs};
        auto rest = records_of(frame);
        while (!rest.empty()) {
            const auto at = frame.end().value() - frame_trailer_size - rest.size();
            const auto record = take_record(rest, frame.header.recorded_ns);
            if (!record) {
                add_damage(
                    s, byte_offset{at}, byte_offset{at}, "a record is not well-formed", first
                );
                break;
            }
            const auto* event = std::get_if<event_record>(&*record);
            if (event == nullptr)
                continue;
            const auto place = places.next();
            if (auto wrong = (*check_event_)(*event); !wrong.empty())
                add_damage(
                    s, byte_offset{at}, byte_offset{at}, std::move(wrong), first.advanced(place)
                );
            else
                ++out_.events;
            out_.payload_bytes += event->payload.size();
        }
    }

    void take_provenance(const subject& s, const frame_view& frame) {
        auto p = decode_provenance(frame.body);
        if (!p) {
            add_damage(s, frame.at, frame.end(), "the record of a removal is not one", {});
            return;
        }
        out_.removals.push_back(
            {.file = s.source->file_name(),
             .at = timestamp::from_nanoseconds(p->at_ns),
             .events = p->removed_events,
             .why = std::move(p->why)}
        );
    }

    /// Whether the records of removals in the segment at hand say how many events are missing.
    [[nodiscard]] bool are_removals_recorded(const removal_counts& before) const {
        std::uint64_t recorded = 0;
        for (std::size_t i = before.records; i < out_.removals.size(); ++i)
            recorded += out_.removals[i].events;
        return recorded == out_.removed_events - before.events;
    }

    void check_end(
        const subject& s,
        const salvage_state& state,
        const growing_index* index,
        std::size_t known,
        const removal_counts& before
    ) {
        const auto& entry = *s.entry;
        const auto& walk = state.walk;
        const bool is_sealed = s.is_listed && entry.kind != segment_kind::active;
        const bool is_index_whole = index != nullptr && out_.damage.size() == known;
        const auto is_as_sealed = [&] {
            return walk.is_sealed && walk.at == entry.end_offset && walk.next == entry.end &&
                   s.source->size() == entry.end_offset.value() && walk.epoch == entry.epoch_end &&
                   walk.recorded_ns == entry.recorded_last_ns &&
                   (!state.is_chain_known || walk.chain == entry.chain_end) &&
                   (!is_index_whole || (index->summary().occurred_min_ns == entry.occurred_min_ns &&
                                        index->summary().occurred_max_ns == entry.occurred_max_ns &&
                                        index->event_count() == entry.event_count &&
                                        index->summary().has_own_streams == entry.has_own_streams));
        };
        if (is_sealed && !is_as_sealed() &&
            (out_.damage.size() == known || out_.damage.back().at < walk.at))
            add_damage(
                s,
                walk.at,
                walk.at,
                "the segment is not as it was sealed",
                walk.next < entry.end ? std::optional{walk.next} : std::nullopt
            );
        else if (!is_sealed && walk.at < s.durable && out_.damage.size() == known)
            add_damage(
                s, walk.at, walk.at, std::string{in_words(frame_fault::end_of_segment)}, walk.next
            );
        if (!is_index_whole || out_.damage.size() > known) {
            streams_.interrupt();
            return;
        }
        if (!are_removals_recorded(before))
            add_damage(
                s,
                first_frame,
                first_frame,
                "the records of removals do not say how many events are missing",
                {}
            );
        if (auto fault = streams_.take(*index, out_.removed_events - before.events); !fault.empty())
            add_damage(s, byte_offset{0}, byte_offset{0}, std::move(fault), entry.first);
        auto wrong = is_sealed ? files_->compare_index(entry, *index) : compare_active_index(s);
        if (!wrong.empty())
            out_.notes.push_back(std::move(wrong));
    }

    /// Of the active segment, whose frames are intact, an index may be there that was made when a
    /// writer closed the log: of the frames that there were then.
    [[nodiscard]] std::string compare_active_index(const subject& s) const {
        const auto name = index_file_name(*s.entry);
        const auto path = io::join(*directory_, name);
        if (!s.is_listed || machine_->files->kind(path) == io::path_kind::missing)
            return {};
        std::string why;
        const auto of = read_stored_index(*machine_->files, path, why).of;
        if (of.growth && of.end_offset > s.end)
            return {}; // a writer has closed the log meanwhile
        growing_index truth{s.entry->first};
        auto walk = beginning_of(*s.entry, s.before);
        frame_reader reader{s.source, header_seed(log_id_, s.entry->id), batch_bytes_max_};
        walk_frames(
            reader,
            of.growth ? of.end_offset : walk.at,
            walk,
            [&](const frame_view& frame, std::uint64_t chain) { return truth.add(frame, chain); }
        );
        const auto content = machine_->files->open(path, io::open_mode::read)->map();
        const auto expected = encode(truth, identity_of_active(log_id_, *s.entry, truth, walk));
        if (std::ranges::equal(content->bytes(), expected))
            return {};
        return "the index '" + name +
               "' does not say what the segment holds; delete the file, and it takes longer to "
               "open "
               "the log until a writer makes it again";
    }

    const io::machine* machine_;
    const std::string* directory_;
    const event_check* check_event_;
    const std::function<void(std::uint64_t)>* on_progress_;
    verification out_{};
    stream_continuity streams_{};
    uuid log_id_{};
    std::uint32_t batch_bytes_max_{};
    segment_files* files_{};
};

} // namespace

verification verify_log(
    const io::machine& machine,
    const std::string& directory,
    const event_check& check_event,
    const std::function<void(std::uint64_t)>& on_progress
) {
    return verifying{machine, directory, check_event, on_progress}.run();
}

} // namespace everfold::log
