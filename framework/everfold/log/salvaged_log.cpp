// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/healing.hpp>
#include <everfold/log/remains.hpp>
#include <everfold/log/salvaged_log.hpp>
#include <everfold/log/salvaged_names.hpp>
#include <everfold/log/segment_file.hpp>
#include <everfold/log/stored_index.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace everfold::log {

namespace {

constexpr const char* missing_segment = "the segment that held them is missing";

/// The index beside a segment, as far as it is whole and of that segment. Of the one that was the
/// active one it knows the events up to some point.
read_index find_index(
    const io::machine& machine,
    const std::string& directory,
    const segment_entry& entry,
    const uuid& log_id
) {
    try {
        const auto path = io::join(directory, index_file_name(entry));
        if (machine.files->kind(path) == io::path_kind::missing)
            return {};
        std::string why;
        auto out = read_stored_index(*machine.files, path, why);
        const bool is_mine =
            out.of.log_id == log_id && out.of.segment_id == entry.id && out.of.first == entry.first;
        return is_mine ? out : read_index{};
    } catch (const error&) {
        return {}; // it only helps
    }
}

class salvaging_log {
public:
    salvaging_log(
        const io::machine& machine,
        const std::string& directory,
        const found_log& found,
        const event_check& check_event,
        const batch_taker& take,
        const loss_sinks& lose
    )
        : machine_{&machine}
        , directory_{&directory}
        , found_{&found}
        , check_event_{&check_event}
        , take_{&take}
        , lose_{&lose} {
        report_.from = found.log_id;
        report_.damage = found.damage;
        report_.notes = found.notes;
    }

    repair_report run(const std::function<void(std::uint64_t)>& on_progress) {
        for (std::size_t i = 0; i < found_->segments.size(); ++i) {
            visit(found_->segments[i], i + 1 == found_->segments.size());
            on_progress(next_.value());
        }
        if (found_->head)
            known_end_ = std::max(known_end_, found_->head->mark.end);
        lose_until(known_end_, why_);
        name_lost_revisions();
        join_removed();
        report_.end = next_;
        report_.is_end_known = found_->head && found_->head->are_both_whole;
        return std::move(report_);
    }

private:
    void visit(const found_segment& segment, bool is_last) {
        const auto& entry = segment.entry;
        lose_until(entry.first, why_);
        name_lost_revisions();
        why_ = missing_segment;
        batch_.segment = entry.first;
        index_ = find_index(*machine_, *directory_, entry, found_->log_id);
        if (segment.is_listed && entry.kind != segment_kind::active)
            known_end_ = std::max(known_end_, entry.end);
        if (index_.content != nullptr)
            known_end_ = std::max(known_end_, index_.of.end);
        if (!segment.is_there)
            return;
        std::shared_ptr<forgiving_source> source;
        try {
            source = open_found(*machine_, *directory_, entry);
        } catch (const error& e) {
            why_ = e.message();
            return;
        }
        walk(segment, is_last, source);
    }

    void walk(
        const found_segment& segment, bool is_last, const std::shared_ptr<forgiving_source>& source
    ) {
        const auto& entry = segment.entry;
        file_ = source->file_name();
        salvaged_names names;
        if (index_.content != nullptr)
            names.learn(*index_.content);
        frame_reader reader{
            source, header_seed(found_->log_id, entry.id), found_->limits.batch_bytes_max};
        salvage_state state{.walk = {.at = first_frame, .next = std::max(next_, entry.first)}};
        state.walk.chain = entry.chain_start;
        state.walk.epoch = epoch_;
        state.walk.recorded_ns = recorded_ns_;
        state.is_chain_known = segment.is_chain_start_known;
        why_ = "the segment ends before them";
        salvage_frames(
            reader,
            byte_offset{source->size()},
            state,
            [&](const frame_view& frame, std::optional<std::uint64_t> /*chain*/) {
                take_frame(frame, names);
            },
            [&](const lost_stretch& stretch) {
                if (is_last && is_torn(segment, source, stretch, state.walk.watermark)) {
                    report_.torn_bytes += stretch.end - stretch.at;
                    return false;
                }
                const bool is_lossy = !stretch.behind || *stretch.behind > stretch.first;
                const bool is_mended =
                    is_lossy && heal(*source, reader.header_seed(), stretch, names);
                note_damage(*source, stretch, is_mended);
                why_ = stretch.what;
                if (stretch.behind)
                    lose_until(*stretch.behind, stretch.what);
                return true;
            }
        );
        epoch_ = std::max(epoch_, state.walk.epoch);
        recorded_ns_ = std::max(recorded_ns_, state.walk.recorded_ns);
        if (state.walk.is_sealed)
            known_end_ = std::max(known_end_, state.walk.next);
    }

    /// An unfinished last append, by the rules of opening. Without a head mark nobody knows, and
    /// what is intact behind it is kept.
    [[nodiscard]] bool is_torn(
        const found_segment& segment,
        const std::shared_ptr<forgiving_source>& source,
        const lost_stretch& stretch,
        byte_offset watermark
    ) const {
        const auto& entry = segment.entry;
        const bool may_grow =
            !entry.is_rewritten && (!segment.is_listed || entry.kind == segment_kind::active);
        if (!found_->head || !may_grow || entry.kind == segment_kind::archived)
            return false;
        const auto& mark = found_->head->mark;
        if (mark.segment_number > entry.number)
            return false;
        const auto durable = mark.segment_id == entry.id ? mark.durable : first_frame;
        return is_behind_durable(
            source,
            header_seed(found_->log_id, entry.id),
            found_->limits.batch_bytes_max,
            stretch.at,
            byte_offset{source->size()},
            std::max(durable, watermark)
        );
    }

    /// Takes in the frames of the stretch in which one bit alone has changed. Whether those are
    /// all.
    bool heal(
        forgiving_source& source,
        std::uint64_t seed,
        const lost_stretch& stretch,
        salvaged_names& names
    ) {
        auto at = stretch.at;
        while (at < stretch.end && source.gap_in(at, at.next()) == nullptr) {
            const auto frame = healer_.heal(source, seed, found_->limits.batch_bytes_max, at);
            if (!frame || frame->end() > stretch.end || frame->header.first < next_)
                return false;
            take_frame({frame->at, frame->header, frame->body}, names);
            at = frame->end();
        }
        return at == stretch.end && stretch.at < stretch.end;
    }

    void note_damage(const forgiving_source& source, const lost_stretch& stretch, bool is_mended) {
        damaged_place place{.file = source.file_name(), .at = stretch.at, .what = stretch.what};
        if (const auto* gap = source.gap_in(stretch.at, std::max(stretch.end, stretch.at.next()))) {
            place.at = gap->in_file;
            place.what = gap->what;
        }
        if (is_mended)
            place.what += "; one bit had changed, and is mended";
        else if (!stretch.behind || *stretch.behind > stretch.first)
            place.first_lost = stretch.first;
        if (stretch.behind)
            place.next_intact = *stretch.behind;
        report_.damage.push_back(std::move(place));
    }

    void lose_until(position to, const std::string& why) {
        if (to <= next_)
            return;
        auto& lost = report_.lost;
        if (!lost.empty() && lost.back().positions.end == next_ && lost.back().why == why)
            lost.back().positions.end = to;
        else
            lost.push_back({{next_, to}, why});
        next_ = to;
    }

    void take_frame(const frame_view& frame, salvaged_names& names) {
        const auto kind = frame.header.kind;
        if (kind == frame_kind::provenance)
            take_provenance(frame);
        if (kind == frame_kind::batch || kind == frame_kind::remains)
            take_batch(frame, names);
    }

    void take_batch(const frame_view& frame, salvaged_names& names) {
        const auto first = frame.header.first;
        if (first < next_)
            return; // no position twice, whatever the bytes say
        lose_until(first, why_);
        const auto end = first.advanced(frame.header.event_count);
        // One that is none does not come here.
        const auto left = frame.header.kind == frame_kind::remains
                              ? decode_remains(frame).value_or(remains{})
                              : remains{};
        auto why = read_batch(frame, left, names);
        if (why.empty() && !batch_.events.empty())
            why = (*take_)(batch_);
        if (!why.empty()) {
            report_.damage.push_back(
                {.file = file_, .at = frame.at, .what = why, .first_lost = first}
            );
        }
        for (const auto& run : left.runs) {
            pass_until(first.advanced(run.at), why);
            remove_until(first.advanced(std::uint64_t{run.at} + run.count));
        }
        pass_until(end, why);
    }

    /// What was kept, or lost where there is a reason.
    void pass_until(position to, const std::string& why) {
        if (!why.empty())
            lose_until(to, why);
        next_ = std::max(next_, to);
    }

    void remove_until(position to) {
        report_.removed.push_back({next_, to});
        next_ = to;
    }

    void take_provenance(const frame_view& frame) {
        auto p = decode_provenance(frame.body);
        if (!p) {
            report_.damage.push_back(
                {.file = file_, .at = frame.at, .what = "the record of a removal is not one"}
            );
            return;
        }
        report_.removals.push_back(
            {.file = file_,
             .at = timestamp::from_nanoseconds(p->at_ns),
             .events = p->removed_events,
             .why = std::move(p->why)}
        );
    }

    /// Reads it into batch_; a sentence where it can't be kept as a whole.
    std::string read_batch(const frame_view& frame, const remains& left, salvaged_names& names) {
        batch_.recorded_ns = frame.header.recorded_ns;
        batch_.events.clear();
        batch_.append_id = left.append_id;
        if (frame.header.kind == frame_kind::batch) {
            if (frame.body.size() < append_id_size)
                return "a batch is too short for its append id";
            std::copy_n(frame.body.begin(), append_id_size, batch_.append_id.octets.begin());
        }
        std::string why;
        places_left places{left.runs};
        auto rest = records_of(frame);
        while (!rest.empty()) {
            const auto record = take_record(rest, frame.header.recorded_ns);
            if (!record)
                return "a record is not well-formed";
            if (const auto* name = std::get_if<names_record>(&*record)) {
                if (!names.learn(*name))
                    return "a name is none that a writer gives";
                if (name->kind == name_kind::stream)
                    lose_->named(name->name, name->base);
                continue;
            }
            // On to the end, for the names that are to come.
            const auto at = frame.header.first.advanced(places.next());
            auto fault = add_event(std::get<event_record>(*record), at, names);
            if (why.empty())
                why = std::move(fault);
        }
        if (why.empty() && places.end() != frame.header.event_count)
            return "a batch has not as many events as its header says";
        return why;
    }

    std::string add_event(const event_record& record, position at, const salvaged_names& names) {
        const auto* stream = names.find_stream(record.stream);
        const auto* type = names.find_type(record.type);
        if (stream == nullptr || type == nullptr)
            return "the name of a stream or a type is in what is damaged";
        salvaged_event event{
            .record = record,
            .at = at,
            .stream = &stream->name,
            .stream_revision = revision{stream->base + record.revision_in_segment},
            .stream_base = stream->base,
            .type = &type->name,
            .version = type->version};
        for (std::size_t i = 0; i < record.tag_count(); ++i) {
            const auto* tag = names.find_tag(record.tag(i));
            if (tag == nullptr)
                return "the name of a tag is in what is damaged";
            event.tags.push_back(*tag);
        }
        if (auto wrong = (*check_event_)(record); !wrong.empty())
            return wrong;
        batch_.events.push_back(std::move(event));
        return {};
    }

    /// Of what is lost in the segment at hand, the streams and revisions that its index knows.
    void name_lost_revisions() {
        if (index_.content == nullptr)
            return;
        const auto& index = *index_.content;
        const auto first = index_.of.first;
        tell_removed_apart(index);
        for (std::uint32_t n = 0; n < index.stream_count(); ++n)
            lose_->named(index.stream(n).name, index.stream(n).base);
        const auto is_lost = [&](std::uint32_t ordinal) {
            const auto at = index.position_of(ordinal);
            const auto behind =
                std::ranges::upper_bound(report_.lost, at, {}, [](const lost_range& l) {
                    return l.positions.end;
                });
            return behind != report_.lost.end() && at >= behind->positions.first;
        };
        const bool meets = std::ranges::any_of(report_.lost, [&](const lost_range& l) {
            return l.positions.first < index_.of.end && first < l.positions.end;
        });
        ordinal_list ordinals;
        for (std::uint32_t n = 0; meets && n < index.stream_count(); ++n) {
            const auto stream = index.stream(n);
            ordinals.clear();
            index.append_stream(n, ordinals);
            for (std::size_t i = 0; i < ordinals.size(); ++i) {
                if (!is_lost(ordinals[i]))
                    continue;
                const auto r = index.revision_in_stream(n, static_cast<std::uint32_t>(i));
                lose_->revisions(std::string{stream.name}, r, r.next());
            }
        }
        lose_->known({first, index_.of.end});
        index_ = {};
    }

    /// Of what seems to be lost, positions at which the index knows no event were removed.
    void tell_removed_apart(const segment_index& index) {
        if (index.sparse() == nullptr)
            return;
        std::vector<lost_range> lost;
        for (const auto& l : report_.lost) {
            const auto add_lost = [&](position from, position to) {
                if (from >= to)
                    return;
                if (!lost.empty() && lost.back().positions.end == from && lost.back().why == l.why)
                    lost.back().positions.end = to;
                else
                    lost.push_back({{from, to}, l.why});
            };
            const auto from = std::max(l.positions.first, index_.of.first);
            const auto to = std::min(l.positions.end, index_.of.end);
            if (from >= to) {
                lost.push_back(l);
                continue;
            }
            add_lost(l.positions.first, from);
            auto here = from;  // up to here it is told
            auto start = from; // of events that are lost
            for (auto o = index.ordinal_from(from); here < to; ++o) {
                const auto next = o < index.event_count() ? std::min(index.position_of(o), to) : to;
                if (next > here) {
                    add_lost(start, here);
                    report_.removed.push_back({here, next});
                    start = next;
                }
                here = next < to ? next.next() : to;
            }
            add_lost(start, to);
            add_lost(to, l.positions.end);
        }
        report_.lost = std::move(lost);
    }

    void join_removed() {
        auto& removed = report_.removed;
        std::ranges::sort(removed, {}, &position_range::first);
        std::vector<position_range> joined;
        for (const auto& r : removed) {
            if (!joined.empty() && joined.back().end == r.first)
                joined.back().end = r.end;
            else
                joined.push_back(r);
        }
        removed = std::move(joined);
    }

    const io::machine* machine_;
    const std::string* directory_;
    const found_log* found_;
    const event_check* check_event_;
    const batch_taker* take_;
    const loss_sinks* lose_;
    repair_report report_{};
    position next_{};
    position known_end_{};
    std::string why_{missing_segment};
    std::uint32_t epoch_{};
    std::int64_t recorded_ns_{};
    read_index index_{};
    frame_healer healer_{};
    std::string file_{};
    salvaged_batch batch_{};
};

} // namespace

repair_report salvage_log(
    const io::machine& machine,
    const std::string& directory,
    const found_log& found,
    const event_check& check_event,
    const std::function<void(std::uint64_t)>& on_progress,
    const batch_taker& take,
    const loss_sinks& lose
) {
    return salvaging_log{machine, directory, found, check_event, take, lose}.run(on_progress);
}

} // namespace everfold::log
