// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/frame_walk.hpp>
#include <everfold/log/rewriting.hpp>
#include <everfold/log/segment_file.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace everfold::log {

namespace {

constexpr std::size_t write_at_once = 256_KiB;

std::int64_t nearest_ns(timestamp t) noexcept {
    if (const auto ns = t.to_nanoseconds())
        return *ns;
    return t.seconds() < 0 ? std::numeric_limits<std::int64_t>::min()
                           : std::numeric_limits<std::int64_t>::max();
}

frame_reader reader_of(
    const std::shared_ptr<segment_source>& source,
    const segment_entry& entry,
    const uuid& log_id,
    std::uint32_t batch_bytes_max
) {
    return {source, header_seed(log_id, entry.id), batch_bytes_max};
}

/// What may be left out, and what has to stay.
class keeping {
public:
    keeping(const segment_index& index, const removal& removed)
        : is_removed_(index.event_count()) {
        for (const auto ordinal : removed.events)
            is_removed_[ordinal] = true;
        ordinal_list list;
        const auto in_record = [&](auto numbers, std::uint32_t number) {
            return index.sparse() == nullptr ? number : (index.sparse()->*numbers)[number];
        };
        for (std::uint32_t i = 0; i < index.stream_count(); ++i) {
            list.clear();
            index.append_stream(i, list);
            const auto number = in_record(&sparse_numbers::streams, i);
            if (any_left(list))
                streams_.push_back({number, index.stream(i).base});
            else if (!std::ranges::binary_search(removed.forgotten, i))
                streams_.push_back(
                    {number,
                     list.empty()
                         ? index.stream(i).base
                         : index.revision_in_stream(i, static_cast<std::uint32_t>(list.size() - 1))
                                   .value() +
                               1}
                );
        }
        for (std::uint32_t i = 0; i < index.type_count(); ++i) {
            list.clear();
            index.append_type(i, list);
            if (any_left(list))
                types_.push_back(in_record(&sparse_numbers::types, i));
        }
        for (std::uint32_t i = 0; i < index.tag_count(); ++i) {
            list.clear();
            index.append_tag(i, list);
            if (any_left(list))
                tags_.push_back(in_record(&sparse_numbers::tags, i));
        }
    }

    [[nodiscard]] bool is_removed(std::uint32_t ordinal) const { return is_removed_[ordinal]; }

    /// Appends the names record if it is still needed; whether it is.
    bool append_needed(byte_buffer& out, names_record names) const {
        switch (names.kind) {
        case name_kind::stream: {
            const auto known =
                std::ranges::lower_bound(streams_, names.number, {}, &kept_stream::number);
            if (known == streams_.end() || known->number != names.number)
                return false;
            names.base = known->base;
            break;
        }
        case name_kind::type:
            if (!std::ranges::binary_search(types_, names.number))
                return false;
            break;
        case name_kind::tag:
            if (!std::ranges::binary_search(tags_, names.number))
                return false;
            break;
        }
        append_record(out, names);
        return true;
    }

private:
    struct kept_stream {
        std::uint32_t number{}; // in records, ascending
        std::uint64_t base{};
    };

    [[nodiscard]] bool any_left(const ordinal_list& list) const {
        return std::ranges::any_of(list, [&](std::uint32_t o) { return !is_removed_[o]; });
    }

    std::vector<bool> is_removed_;
    std::vector<kept_stream> streams_{};
    std::vector<std::uint32_t> types_{};
    std::vector<std::uint32_t> tags_{};
};

/// Writes frames one after the other, in pieces.
class frame_writer {
public:
    frame_writer(io::file& file, std::uint64_t seed)
        : file_{&file}
        , seed_{seed} {}

    void add(frame_header header, bytes_view body) {
        header.body_length = static_cast<std::uint32_t>(body.size());
        header.watermark = here(); // all of it is durable before anybody is told of it
        header.body_checksum = checksum(body, header.first.value());
        const auto start = buffer_.size();
        const auto at = here();
        buffer_.resize(start + frame_header_size);
        encode_frame_header(buffer_.data() + start, header, seed_, at);
        append_bytes(buffer_, body);
        buffer_.resize(buffer_.size() + frame_trailer_size);
        encode_frame_trailer(
            buffer_.data() + buffer_.size() - frame_trailer_size, header.frame_size()
        );
        ++count_;
        if (buffer_.size() >= write_at_once)
            flush();
    }

    void flush() {
        file_->write_at(written_, buffer_);
        written_ = written_.advanced(buffer_.size());
        buffer_.clear();
    }

    [[nodiscard]] byte_offset here() const noexcept { return written_.advanced(buffer_.size()); }

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

private:
    io::file* file_;
    std::uint64_t seed_;
    byte_offset written_{first_frame};
    byte_buffer buffer_{};
    std::uint64_t count_{};
};

/// Turns the frames of the source, in order, into those of the copy.
class rewriter {
public:
    rewriter(const rewriting& what, frame_writer& out, segment_entry& after)
        : what_{&what}
        , keeping_{*what.index, *what.removed}
        , out_{&out}
        , after_{&after} {
        after_->event_count = 0;
        after_->occurred_min_ns = std::numeric_limits<std::int64_t>::max();
        after_->occurred_max_ns = std::numeric_limits<std::int64_t>::min();
        after_->has_own_streams = false;
    }

    /// `chain` is what it is before the frame.
    void take(const frame_view& frame, std::uint64_t chain) {
        if (out_->count() == 0 && hole_.frames == 0)
            add_provenance(frame.header);
        switch (frame.header.kind) {
        case frame_kind::batch:
        case frame_kind::remains:
            take_events(frame, chain);
            return;
        case frame_kind::mark:
        case frame_kind::provenance:
            flush_hole();
            out_->add(frame.header, frame.body);
            return;
        case frame_kind::seal: {
            flush_hole();
            auto s = decode_seal(frame.body);
            check(s.has_value(), "the seal of a segment that was walked is one");
            s->frame_count = out_->count();
            out_->add(frame.header, encode(*s));
            return;
        }
        }
    }

private:
    void add_provenance(const frame_header& next) {
        auto header = next;
        header.kind = frame_kind::provenance;
        header.event_count = 0;
        out_->add(header, encode(what_->why));
    }

    void take_events(const frame_view& frame, std::uint64_t chain) {
        const auto old = frame.header.kind == frame_kind::remains ? decode_remains(frame)
                                                                  : std::optional<remains>{};
        const auto was_ordinal = ordinal_;
        remains left{
            .chain_after = chain_through(frame, chain).value_or(0),
            .frames = old ? old->frames : 1};
        if (old)
            left.append_id = old->append_id;
        else
            std::copy_n(frame.body.begin(), append_id_size, left.append_id.octets.begin());
        places_left places{
            old ? std::span<const removed_run>{old->runs} : std::span<const removed_run>{}};
        kept_.clear();
        std::uint32_t kept = 0;
        std::uint64_t free_from = 0; // the place behind the last event that stays
        const auto remove_up_to = [&](std::uint64_t place) {
            if (place > free_from)
                left.runs.push_back(
                    {static_cast<std::uint32_t>(free_from),
                     static_cast<std::uint32_t>(place - free_from)}
                );
        };
        auto rest = records_of(frame);
        while (!rest.empty()) {
            const auto from = rest;
            const auto record = take_record(rest, frame.header.recorded_ns);
            check(record.has_value(), "the records of a segment that was walked are records");
            if (const auto* names = std::get_if<names_record>(&*record)) {
                if (keeping_.append_needed(kept_, *names) && names->kind == name_kind::stream &&
                    names->name.starts_with(own_stream_prefix))
                    after_->has_own_streams = true;
                continue;
            }
            const auto place = places.next();
            if (keeping_.is_removed(ordinal_++))
                continue;
            remove_up_to(place);
            free_from = place + 1;
            ++kept;
            append_bytes(kept_, from.first(from.size() - rest.size()));
            const auto occurred = nearest_ns(std::get<event_record>(*record).occurred_at);
            after_->occurred_min_ns = std::min(after_->occurred_min_ns, occurred);
            after_->occurred_max_ns = std::max(after_->occurred_max_ns, occurred);
        }
        remove_up_to(frame.header.event_count);
        after_->event_count += kept;
        if (kept == ordinal_ - was_ordinal && !old) {
            flush_hole();
            out_->add(frame.header, frame.body); // as it was, so that its digest can be taken again
            return;
        }
        if (kept == 0) {
            add_to_hole(frame, chain, left);
            return;
        }
        flush_hole();
        left.records = kept_;
        auto header = frame.header;
        header.kind = frame_kind::remains;
        out_->add(header, encode(left));
    }

    /// Nothing is left of the frame but names, perhaps.
    void add_to_hole(const frame_view& frame, std::uint64_t chain, const remains& left) {
        const auto room = std::size_t{what_->limits.batch_bytes_max} - remains_prefix_size - 8;
        if (hole_.frames > 0 && (hole_names_.size() + kept_.size() > room ||
                                 hole_header_.event_count > std::numeric_limits<std::uint32_t>::max(
                                                            ) - frame.header.event_count))
            flush_hole();
        if (hole_.frames == 0) {
            hole_header_ = frame.header;
            hole_header_.event_count = 0;
            hole_header_.chain_low = static_cast<std::uint32_t>(chain);
            hole_.append_id = left.append_id;
        } else {
            hole_.append_id = {};
        }
        hole_header_.kind = frame_kind::remains;
        hole_header_.event_count += frame.header.event_count;
        hole_header_.recorded_ns = frame.header.recorded_ns;
        hole_header_.epoch = frame.header.epoch;
        hole_.frames += left.frames;
        hole_.chain_after = left.chain_after;
        append_bytes(hole_names_, kept_);
    }

    void flush_hole() {
        if (hole_.frames == 0)
            return;
        hole_.runs = {{0, hole_header_.event_count}};
        hole_.records = hole_names_;
        out_->add(hole_header_, encode(hole_));
        hole_ = {.frames = 0};
        hole_names_.clear();
    }

    const rewriting* what_;
    keeping keeping_;
    frame_writer* out_;
    segment_entry* after_;
    std::uint32_t ordinal_{};
    byte_buffer kept_{};
    remains hole_{.frames = 0};
    frame_header hole_header_{};
    byte_buffer hole_names_{};
};

/// The records of a segment's events, one after the other.
class record_walk {
public:
    record_walk(
        const std::shared_ptr<segment_source>& source,
        const segment_entry& entry,
        const uuid& log_id,
        std::uint32_t batch_bytes_max
    )
        : reader_{reader_of(source, entry, log_id, batch_bytes_max)}
        , end_{entry.end_offset} {}

    /// Empty after the last.
    [[nodiscard]] bytes_view next() {
        for (;;) {
            while (rest_.empty()) {
                const auto* frame = reader_.read(at_, end_);
                if (frame == nullptr || frame->header.kind == frame_kind::seal)
                    return {};
                at_ = frame->end();
                recorded_ns_ = frame->header.recorded_ns;
                rest_ = records_of(*frame);
            }
            const auto from = rest_;
            const auto record = take_record(rest_, recorded_ns_);
            if (!record)
                return {};
            if (std::holds_alternative<event_record>(*record))
                return from.first(from.size() - rest_.size());
        }
    }

private:
    frame_reader reader_;
    byte_offset end_;
    byte_offset at_{first_frame};
    bytes_view rest_{};
    std::int64_t recorded_ns_{};
};

/// Whether the copy calls the same things by the same numbers.
bool are_names_equal(const segment_index& source, const segment_index& copy) {
    const auto& sparse = *copy.sparse();
    for (std::uint32_t i = 0; i < copy.stream_count(); ++i) {
        const auto was = source.stream(source.stream_number(sparse.streams[i]));
        const auto is = copy.stream(i);
        if (was.name != is.name || (copy.count_of_stream(i) > 0 && was.base != is.base))
            return false;
    }
    for (std::uint32_t i = 0; i < copy.type_count(); ++i) {
        const auto was = source.type(source.type_number(sparse.types[i]));
        const auto is = copy.type(i);
        if (was.name != is.name || was.version != is.version || was.format != is.format)
            return false;
    }
    for (std::uint32_t i = 0; i < copy.tag_count(); ++i) {
        if (source.tag(source.tag_number(sparse.tags[i])) != copy.tag(i))
            return false;
    }
    return true;
}

/// Reads the copy as any reader will, and compares it with its source.
void require_same(
    const rewriting& what, const std::shared_ptr<segment_source>& copy, const segment_entry& after
) {
    const auto wrong = [&](std::string_view how) {
        return corruption{
            copy->file_name(), byte_offset{0}, "the rewritten segment " + std::string{how}};
    };
    const auto batch_bytes_max = what.limits.batch_bytes_max;
    const auto index = walk_sealed_segment(copy, after, nullptr, what.log_id, batch_bytes_max);
    const auto& source = *what.index;
    if (!are_names_equal(source, *index))
        throw wrong("does not call things what its source calls them");
    record_walk was{what.source, what.before, what.log_id, batch_bytes_max};
    record_walk is{copy, after, what.log_id, batch_bytes_max};
    auto removed = what.removed->events.begin();
    std::uint32_t kept = 0;
    for (std::uint32_t ordinal = 0; ordinal < source.event_count(); ++ordinal) {
        const auto event = was.next();
        if (removed != what.removed->events.end() && *removed == ordinal) {
            ++removed;
            continue;
        }
        const auto same = is.next();
        if (event.empty() || !std::ranges::equal(event, same) ||
            index->position_of(kept) != source.position_of(ordinal))
            throw wrong("does not hold the events that it should");
        ++kept;
    }
    if (!is.next().empty() || kept != index->event_count())
        throw wrong("holds events that its source does not");
}

} // namespace

bool write_rewritten(
    const io::machine& machine,
    const std::string& path,
    const rewriting& what,
    segment_entry& after,
    const std::stop_token& stop
) {
    const std::shared_ptr<io::file> file = machine.files->open(path, io::open_mode::create_new);
    after.is_rewritten = true;
    file->write_at(
        byte_offset{0},
        encode(segment_header{
            .log_id = what.log_id,
            .number = after.number,
            .id = after.id,
            .first = after.first,
            .chain = after.chain_start,
            .created_ns = machine.time->now().to_nanoseconds().value_or(0),
            .event_bytes_max = what.limits.event_bytes_max,
            .batch_bytes_max = what.limits.batch_bytes_max,
            .is_rewritten = true})
    );
    frame_writer out{*file, header_seed(what.log_id, after.id)};
    rewriter frames{what, out, after};
    auto reader = reader_of(what.source, what.before, what.log_id, what.limits.batch_bytes_max);
    auto chain = what.before.chain_start;
    for (auto at = first_frame; at < what.before.end_offset;) {
        if (stop.stop_requested())
            return false;
        const auto* frame = reader.read(at, what.before.end_offset);
        if (frame == nullptr)
            throw damage_at(
                *what.source, at, std::string{in_words(reader.fault())}, what.before.first
            );
        frames.take(*frame, chain);
        chain = chain_through(*frame, chain).value_or(chain);
        at = frame->end();
    }
    out.flush();
    after.end_offset = out.here();
    file->sync_all();
    require_same(what, open_plain(file, path), after);
    return true;
}

std::vector<provenance> provenance_of(
    const std::shared_ptr<segment_source>& source,
    const segment_entry& entry,
    const uuid& log_id,
    std::uint32_t batch_bytes_max
) {
    std::vector<provenance> out;
    if (!entry.is_rewritten)
        return out;
    auto reader = reader_of(source, entry, log_id, batch_bytes_max);
    auto at = first_frame;
    for (;;) {
        const auto* frame = reader.read(at, entry.end_offset);
        if (frame == nullptr)
            throw damage_at(*source, at, std::string{in_words(reader.fault())}, entry.first);
        if (frame->header.kind != frame_kind::provenance)
            return out;
        auto found = decode_provenance(frame->body);
        if (!found)
            throw damage_at(*source, at, "the record of a removal is not one", entry.first);
        out.push_back(std::move(*found));
        at = frame->end();
    }
}

} // namespace everfold::log
