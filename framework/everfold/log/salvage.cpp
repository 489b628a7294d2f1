// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/remains.hpp>
#include <everfold/log/salvage.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace everfold::log {

namespace {

/// So much at once is given up where a read fails: a page, which holds the sector.
constexpr std::size_t given_up = 4_KiB;

} // namespace

forgiving_source::forgiving_source(std::shared_ptr<segment_source> from)
    : from_{std::move(from)} {}

forgiving_source::~forgiving_source() = default;

std::size_t forgiving_source::read_at(byte_offset at, std::span<std::byte> into, scratch& mine) {
    try {
        return from_->read_at(at, into, mine);
    } catch (const error&) { // NOLINT(bugprone-empty-catch)
        // Piece by piece, then.
    }
    std::size_t done = 0;
    while (done < into.size()) {
        const auto here = at.advanced(done);
        const auto size =
            std::min<std::uint64_t>(into.size() - done, given_up - here.value() % given_up);
        const auto piece = into.subspan(done, static_cast<std::size_t>(size));
        std::size_t n = 0;
        try {
            n = from_->read_at(here, piece, mine);
        } catch (const corruption& e) {
            n = piece.size();
            note(here, here.advanced(n), e.at(), e.message().c_str());
            std::ranges::fill(piece, std::byte{0});
        } catch (const error& e) {
            n = piece.size();
            note(here, here.advanced(n), here, e.message().c_str());
            std::ranges::fill(piece, std::byte{0});
        }
        done += n;
        if (n < piece.size())
            break;
    }
    return done;
}

std::uint64_t forgiving_source::size() {
    return from_->size();
}

std::uint64_t forgiving_source::stored_size() {
    return from_->stored_size();
}

const std::string& forgiving_source::file_name() const noexcept {
    return from_->file_name();
}

void forgiving_source::note(
    byte_offset at, byte_offset end, byte_offset in_file, const char* what
) {
    for (auto& g : gaps_) {
        if (at >= g.at && end <= g.end)
            return;
        if (at == g.end && g.what == what) {
            g.end = end;
            return;
        }
    }
    gaps_.push_back({at, end, in_file, what});
}

const forgiving_source::gap*
forgiving_source::gap_in(byte_offset at, byte_offset end) const noexcept {
    const auto found =
        std::ranges::find_if(gaps_, [&](const gap& g) { return g.at < end && at < g.end; });
    return found == gaps_.end() ? nullptr : &*found;
}

namespace {

class salvaging {
public:
    salvaging(
        frame_reader& reader,
        byte_offset end,
        salvage_state& state,
        const frame_sink& take,
        const stretch_sink& lose
    )
        : reader_{&reader}
        , end_{end}
        , state_{&state}
        , take_{&take}
        , lose_{&lose} {}

    void run() {
        auto& walk = state_->walk;
        while (walk.at < end_) {
            const auto* frame = reader_->read(walk.at, end_);
            if (frame == nullptr ? !step_over() : !take_in(*frame))
                return;
        }
    }

private:
    /// False: it is the end.
    bool lose(byte_offset to, std::string_view what, std::optional<position> behind) {
        auto& walk = state_->walk;
        if (!behind || *behind != walk.next)
            state_->is_whole = false;
        const bool goes_on = (*lose_)({walk.at, to, std::string{what}, walk.next, behind});
        walk.why = what;
        if (!goes_on || !behind)
            return false;
        walk.next = *behind;
        return true;
    }

    [[nodiscard]] static bool has_positions(const frame_header& header) noexcept {
        return header.kind == frame_kind::batch || header.kind == frame_kind::remains;
    }

    /// A frame of which only the header is of use.
    bool lose_one(const frame_view& frame, std::string_view what) {
        auto& walk = state_->walk;
        const auto& header = frame.header;
        const auto positions = has_positions(header) ? header.event_count : 0;
        if (!lose(frame.end(), what, walk.next.advanced(positions)))
            return false;
        // Its body would have said how the chain goes on.
        if (header.kind == frame_kind::remains)
            state_->is_chain_known = false;
        count(header);
        walk.at = frame.end();
        return true;
    }

    /// A frame whose header, body and trailer check.
    bool take_in(const frame_view& frame) {
        auto& walk = state_->walk;
        const auto& header = frame.header;
        if (walk.is_sealed)
            return lose(end_, "a frame follows the segment's seal", {});
        if (const auto* stale = why_stale(header); stale != nullptr)
            return search(frame.end(), stale);
        if (header.first > walk.next &&
            !lose(
                walk.at,
                "a frame does not begin at the position where the one before ended",
                header.first
            ))
            return false;
        if (state_->is_chain_known && header.chain_low != static_cast<std::uint32_t>(walk.chain)) {
            state_->is_chain_known = false;
            if (state_->is_whole &&
                !lose(walk.at, "a frame does not follow the one before it", walk.next))
                return false;
        }
        if (header.kind == frame_kind::seal && !take_seal(frame))
            return false;
        const auto left =
            header.kind == frame_kind::remains ? decode_remains(frame) : std::optional<remains>{};
        if (header.kind == frame_kind::remains && !left)
            return lose_one(frame, "what remains of a batch is not well-formed");
        count(header);
        if (left)
            walk.chain = left->chain_after;
        (*take_
        )(frame,
          has_positions(header) && state_->is_chain_known ? std::optional{walk.chain} : std::nullopt
        );
        walk.at = frame.end();
        return true;
    }

    [[nodiscard]] const char* why_stale(const frame_header& header) const {
        const auto& walk = state_->walk;
        if (header.first < walk.next)
            return "a frame does not begin at the position where the one before ended";
        if (header.epoch < walk.epoch)
            return "a frame is of an earlier life of the log";
        if (header.recorded_ns < walk.recorded_ns)
            return "a frame was recorded before the one before it";
        return nullptr;
    }

    bool take_seal(const frame_view& frame) {
        auto& walk = state_->walk;
        walk.is_sealed = true;
        const auto s = decode_seal(frame.body);
        const bool fits = s && s->end == walk.next &&
                          (!state_->is_chain_known || s->chain == walk.chain) &&
                          (!state_->is_whole || s->frame_count == walk.frame_count);
        if (fits)
            return true;
        const auto behind = s && s->end > walk.next ? s->end : walk.next;
        return lose(walk.at, "the segment's seal does not match its content", behind);
    }

    /// The frame is passed, whether or not its body is intact.
    void count(const frame_header& header) {
        auto& walk = state_->walk;
        if (header.kind == frame_kind::batch)
            walk.chain = chain_after(walk.chain, header.body_checksum);
        if (has_positions(header))
            walk.next = header.first.advanced(header.event_count);
        ++walk.frame_count;
        walk.epoch = header.epoch;
        walk.recorded_ns = header.recorded_ns;
        walk.watermark = header.watermark;
    }

    /// Where no frame checks. False: the end.
    bool step_over() {
        auto& walk = state_->walk;
        const auto fault = reader_->fault();
        const bool has_header = fault == frame_fault::body || fault == frame_fault::trailer;
        const auto refused = has_header ? reader_->refused() : frame_view{};
        if (!has_header || why_stale(refused.header) != nullptr || walk.is_sealed)
            return search(walk.at.advanced(8), in_words(fault));
        // Its header says what is lost.
        if (refused.header.first > walk.next &&
            !lose(
                walk.at,
                "a frame does not begin at the position where the one before ended",
                refused.header.first
            ))
            return false;
        if (fault == frame_fault::trailer) {
            if (!lose(refused.end(), in_words(fault), walk.next))
                return false;
            return take_in(refused);
        }
        if (state_->is_chain_known &&
            refused.header.chain_low != static_cast<std::uint32_t>(walk.chain))
            state_->is_chain_known = false;
        return lose_one(refused, in_words(fault));
    }

    /// The next frame that checks, from `from` on.
    bool search(byte_offset from, std::string_view what) {
        auto& walk = state_->walk;
        while (const auto found = reader_->find_header(from, end_)) {
            const auto* frame = reader_->read(found->at, end_);
            const auto fault = reader_->fault();
            const bool is_one =
                frame != nullptr || fault == frame_fault::body || fault == frame_fault::trailer;
            if (is_one && why_stale(found->header) == nullptr && !walk.is_sealed) {
                state_->is_chain_known = false;
                // That a mark or a seal is missing loses no event, but something is missing.
                state_->is_whole = false;
                if (!lose(found->at, what, found->header.first))
                    return false;
                walk.at = found->at;
                return true;
            }
            from = found->at.advanced(8);
        }
        const auto used = reader_->used_bytes_after(walk.at);
        if (used != 0 || gap_follows())
            lose(std::min(end_, walk.at.advanced(used)), what, {});
        return false;
    }

    /// Zeros that only stand for what could not be read.
    [[nodiscard]] bool gap_follows() const {
        const auto* source = dynamic_cast<const forgiving_source*>(&reader_->source());
        return source != nullptr && source->gap_in(state_->walk.at, end_) != nullptr;
    }

    frame_reader* reader_;
    byte_offset end_;
    salvage_state* state_;
    const frame_sink* take_;
    const stretch_sink* lose_;
};

} // namespace

void salvage_frames(
    frame_reader& reader,
    byte_offset end,
    salvage_state& state,
    const frame_sink& take,
    const stretch_sink& lose
) {
    salvaging{reader, end, state, take, lose}.run();
}

bool is_behind_durable(
    std::shared_ptr<segment_source> source,
    std::uint64_t header_seed,
    std::uint32_t batch_bytes_max,
    byte_offset at,
    byte_offset end,
    byte_offset durable
) {
    if (at < durable)
        return false;
    frame_reader reader{std::move(source), header_seed, batch_bytes_max};
    for (auto from = at; const auto found = reader.find_header(from, end);) {
        if (at < found->header.watermark)
            return false;
        from = found->at.advanced(8);
    }
    return true;
}

} // namespace everfold::log
