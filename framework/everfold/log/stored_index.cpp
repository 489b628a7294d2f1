// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/base/prefetch.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/stored_index.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace everfold::log {

namespace {

constexpr std::array<std::byte, 8> index_magic{
    std::byte{0x89},
    std::byte{'E'},
    std::byte{'V'},
    std::byte{'I'},
    std::byte{'\r'},
    std::byte{'\n'},
    std::byte{0x1A},
    std::byte{0}};
constexpr std::uint32_t index_format = 0;
constexpr std::uint32_t rewritten_flag = 1;
constexpr std::uint32_t growth_flag = 2;
constexpr std::uint32_t own_streams_flag = 1; // of a growth
constexpr std::size_t index_header_size = 8 + 4 + 4 + 16 + 5 * 8 + 6 * 4 + 3 * 8;
static_assert(index_header_size == 120);
constexpr std::size_t segment_id_at = 8 + 4 + 4 + 16;
constexpr std::size_t checksum_size = 8;
constexpr std::size_t frame_entry_size = 4 + 4 + 4 * 8;
constexpr std::size_t name_entry_size = 8 + 4 + 4; ///< of streams and types
constexpr std::size_t tag_entry_size = 4 + 4;

/// So many events share one place to start counting offsets from.
constexpr std::uint32_t offsets_stride = 64;
constexpr std::size_t stride_entry_size = 4 + 4;
constexpr std::size_t append_entry_size = 16 + 4;

// ---- variable-length integers: seven bits a byte, the low ones first

void append_varint(byte_buffer& out, std::uint32_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<std::byte>(value | 0x80U));
        value >>= 7U;
    }
    out.push_back(static_cast<std::byte>(value));
}

class varint_reader {
public:
    explicit varint_reader(bytes_view bytes) noexcept
        : rest_{bytes} {}

    /// False where there is none.
    [[nodiscard]] bool next(std::uint32_t& value) noexcept {
        value = 0;
        for (unsigned shift = 0; shift < 35 && at_ < rest_.size(); shift += 7) {
            const auto byte = std::to_integer<std::uint32_t>(rest_[at_++]);
            value |= (byte & 0x7FU) << shift;
            if (byte < 0x80)
                return true;
        }
        return false;
    }

private:
    bytes_view rest_;
    std::size_t at_{};
};

// ---- writing

/// Where a name is, and the list of its events.
struct name_place {
    std::uint32_t name_at{}; ///< among the texts: a byte with its length, and the name
    std::uint32_t list_at{}; ///< among the lists: their count, and the steps from one to the next
};

constexpr std::uint64_t extra_of(const type_entry& type) noexcept {
    return std::uint64_t{type.version} | static_cast<std::uint64_t>(type.format) << 32U;
}

class index_writer {
public:
    /// `extra`: base revision of a stream; version and format of a type; nothing for a tag.
    void
    add_name(std::string_view name, std::optional<std::uint64_t> extra, const ordinal_list& list) {
        if (extra)
            append_le(entries_, *extra);
        append_le(entries_, place_behind(texts_));
        append_le(entries_, place_behind(lists_));
        check(name.size() <= name_bytes_max, "a name's length fits a byte");
        texts_.push_back(static_cast<std::byte>(name.size()));
        append_bytes(texts_, as_bytes(name));
        append_varint(lists_, static_cast<std::uint32_t>(list.size()));
        std::uint32_t before = 0;
        for (const auto ordinal : list) {
            append_varint(lists_, ordinal - before);
            before = ordinal;
        }
    }

    void add_frames_and_offsets(const segment_index& index) {
        for (std::size_t i = 0; i < index.frame_count(); ++i) {
            const auto f = index.frame(i);
            append_le(frames_, f.at_8);
            append_le(frames_, f.first_ordinal);
            append_le(frames_, f.recorded_last_ns);
            append_le(frames_, f.occurred_min_ns);
            append_le(frames_, f.occurred_max_ns);
            append_le(frames_, f.chain_after);
        }
        std::uint32_t before = 0;
        for (std::uint32_t i = 0; i < index.event_count(); ++i) {
            const auto at_8 = static_cast<std::uint32_t>(index.offset_of(i).value() / 8);
            if (i % offsets_stride == 0) {
                append_le(strides_, at_8);
                append_le(strides_, place_behind(offsets_));
            } else {
                append_varint(offsets_, at_8 - before);
            }
            before = at_8;
        }
    }

    void add_appends(const segment_index& index) {
        for (const auto& entry : index.appends()) {
            append_bytes(appends_, entry.id.octets);
            append_le(appends_, entry.frame);
        }
    }

    /// Numbers in the order of their names.
    template <class NameOf>
    void add_order(std::uint32_t count, const NameOf& name_of) {
        std::vector<std::pair<std::string_view, std::uint32_t>> order;
        order.reserve(count);
        for (std::uint32_t i = 0; i < count; ++i)
            order.emplace_back(name_of(i), i);
        std::ranges::sort(order);
        for (const auto& [name, number] : order)
            append_le(orders_, number);
    }

    [[nodiscard]] byte_buffer take(const segment_index& index, const index_identity& of) {
        byte_buffer out;
        append_bytes(out, index_magic);
        append_le(out, index_format);
        append_le(out, (of.is_rewritten ? rewritten_flag : 0) | (of.growth ? growth_flag : 0));
        append_bytes(out, of.log_id.octets);
        append_le(out, of.segment_id);
        append_le(out, of.first.value());
        append_le(out, of.end.value());
        append_le(out, of.end_offset.value());
        append_le(out, of.chain_end);
        append_le(out, index.event_count());
        append_le(out, static_cast<std::uint32_t>(index.frame_count()));
        append_le(out, index.stream_count());
        append_le(out, index.type_count());
        append_le(out, index.tag_count());
        append_le(out, static_cast<std::uint32_t>(appends_.size() / append_entry_size));
        append_le(out, std::uint64_t{offsets_.size()});
        append_le(out, std::uint64_t{lists_.size()});
        append_le(out, std::uint64_t{texts_.size()});
        for (const auto* section :
             {&frames_, &strides_, &entries_, &orders_, &appends_, &offsets_, &lists_, &texts_})
            append_bytes(out, *section);
        if (const auto* sparse = index.sparse())
            append_sparse(out, *sparse);
        if (of.growth)
            append_growth(out, *of.growth);
        append_le(out, checksum(out, of.segment_id));
        return out;
    }

private:
    static void append_sparse(byte_buffer& out, const sparse_numbers& sparse) {
        append_le(out, static_cast<std::uint32_t>(sparse.positions.gaps().size()));
        for (const auto& gap : sparse.positions.gaps()) {
            append_le(out, gap.at);
            append_le(out, gap.removed);
        }
        append_le(out, static_cast<std::uint32_t>(sparse.revisions.size()));
        for (const auto& [stream, gaps] : sparse.revisions) {
            append_le(out, stream);
            append_le(out, static_cast<std::uint32_t>(gaps.gaps().size()));
            for (const auto& gap : gaps.gaps()) {
                append_le(out, gap.at);
                append_le(out, gap.removed);
            }
        }
        for (const auto* numbers : {&sparse.streams, &sparse.types, &sparse.tags}) {
            for (const auto number : *numbers)
                append_le(out, number);
        }
    }

    static void append_growth(byte_buffer& out, const segment_growth& growth) {
        append_le(out, growth.frame_count);
        append_le(out, growth.last_frame.value());
        append_le(out, growth.watermark.value());
        append_le(out, growth.recorded_ns);
        append_le(out, growth.summary.occurred_min_ns);
        append_le(out, growth.summary.occurred_max_ns);
        append_le(out, growth.epoch);
        append_le(out, growth.summary.has_own_streams ? own_streams_flag : 0);
    }

    static std::uint32_t place_behind(const byte_buffer& section) {
        if (section.size() > std::numeric_limits<std::uint32_t>::max())
            throw error{errc::limit, "the index of a segment would be larger than 4 GiB"};
        return static_cast<std::uint32_t>(section.size());
    }

    byte_buffer frames_{};
    byte_buffer strides_{};
    byte_buffer entries_{};
    byte_buffer orders_{};
    byte_buffer appends_{};
    byte_buffer offsets_{};
    byte_buffer lists_{};
    byte_buffer texts_{};
};

// ---- reading

/// Takes sections off the front; a short one leaves it failed.
class section_taker {
public:
    explicit section_taker(bytes_view rest) noexcept
        : rest_{rest} {}

    bytes_view take(std::uint64_t size) noexcept {
        if (size > rest_.size()) {
            is_short_ = true;
            rest_ = {};
            return {};
        }
        const auto out = rest_.first(static_cast<std::size_t>(size));
        rest_ = rest_.subspan(static_cast<std::size_t>(size));
        return out;
    }

    template <class T>
    T number() noexcept {
        const auto bytes = take(sizeof(T));
        return bytes.empty() ? T{} : load_le<T>(bytes.data());
    }

    [[nodiscard]] bool took_exactly_all() const noexcept { return !is_short_ && rest_.empty(); }

private:
    bytes_view rest_;
    bool is_short_{};
};

class stored_index final : public segment_index {
public:
    /// What parse() finds is valid as long as `content`.
    stored_index(position first, std::unique_ptr<const io::mapping> content, std::string path)
        : segment_index{first}
        , content_{std::move(content)}
        , path_{std::move(path)} {}

    /// False where it does not fit together. The checksum has held.
    [[nodiscard]] bool parse(index_identity& mine) {
        section_taker in{content_->bytes().first(content_->bytes().size() - checksum_size)};
        static_cast<void>(in.take(index_magic.size() + 4));
        const auto flags = in.number<std::uint32_t>();
        mine.is_rewritten = flags == rewritten_flag;
        std::ranges::copy(in.take(16), mine.log_id.octets.begin());
        mine.segment_id = in.number<std::uint64_t>();
        mine.first = position{in.number<std::uint64_t>()};
        mine.end = position{in.number<std::uint64_t>()};
        mine.end_offset = byte_offset{in.number<std::uint64_t>()};
        mine.chain_end = in.number<std::uint64_t>();
        events_ = in.number<std::uint32_t>();
        mine.event_count = events_;
        frame_count_ = in.number<std::uint32_t>();
        stream_count_ = in.number<std::uint32_t>();
        type_count_ = in.number<std::uint32_t>();
        tag_count_ = in.number<std::uint32_t>();
        const auto append_count = in.number<std::uint32_t>();
        const auto offsets_size = in.number<std::uint64_t>();
        const auto lists_size = in.number<std::uint64_t>();
        const auto texts_size = in.number<std::uint64_t>();
        const auto strides = (std::uint64_t{events_} + offsets_stride - 1) / offsets_stride;
        frames_ = in.take(std::uint64_t{frame_count_} * frame_entry_size);
        strides_ = in.take(strides * stride_entry_size);
        streams_ = in.take(std::uint64_t{stream_count_} * name_entry_size);
        types_ = in.take(std::uint64_t{type_count_} * name_entry_size);
        tags_ = in.take(std::uint64_t{tag_count_} * tag_entry_size);
        stream_order_ = in.take(std::uint64_t{stream_count_} * 4);
        tag_order_ = in.take(std::uint64_t{tag_count_} * 4);
        appends_ = in.take(std::uint64_t{append_count} * append_entry_size);
        offsets_ = in.take(offsets_size);
        lists_ = in.take(lists_size);
        texts_ = in.take(texts_size);
        if (mine.end < mine.first)
            return false;
        const auto covered = mine.end - mine.first;
        if (mine.is_rewritten && !parse_sparse(in, covered))
            return false;
        if (flags == growth_flag)
            mine.growth = take_growth(in);
        return in.took_exactly_all() && flags <= growth_flag && covered >= events_ &&
               (mine.is_rewritten || covered == events_) &&
               (frame_count_ == 0) == (mine.end == mine.first);
    }

    [[nodiscard]] std::uint32_t event_count() const noexcept override { return events_; }

    [[nodiscard]] byte_offset offset_of(std::uint32_t ordinal) const override {
        const auto* stride =
            strides_.data() + std::size_t{ordinal / offsets_stride} * stride_entry_size;
        auto at_8 = load_le<std::uint32_t>(stride);
        const std::size_t from = load_le<std::uint32_t>(stride + 4);
        if (from > offsets_.size())
            fail();
        varint_reader deltas{offsets_.subspan(from)};
        for (auto left = ordinal % offsets_stride; left > 0; --left) {
            std::uint32_t delta = 0;
            if (!deltas.next(delta))
                fail();
            at_8 += delta;
        }
        return byte_offset{std::uint64_t{at_8} * 8};
    }

    [[nodiscard]] std::size_t frame_count() const noexcept override { return frame_count_; }

    [[nodiscard]] frame_entry frame(std::size_t i) const noexcept override {
        const auto* at = frames_.data() + i * frame_entry_size;
        return {
            load_le<std::uint32_t>(at),
            load_le<std::uint32_t>(at + 4),
            load_le<std::int64_t>(at + 8),
            load_le<std::int64_t>(at + 16),
            load_le<std::int64_t>(at + 24),
            load_le<std::uint64_t>(at + 32)};
    }

    [[nodiscard]] std::uint32_t stream_count() const noexcept override { return stream_count_; }

    [[nodiscard]] std::uint32_t type_count() const noexcept override { return type_count_; }

    [[nodiscard]] std::uint32_t tag_count() const noexcept override { return tag_count_; }

    [[nodiscard]] stream_entry stream(std::uint32_t number) const override {
        const auto* at = entry_of_stream(number);
        return {name_at(place_of(at + 8)), load_le<std::uint64_t>(at)};
    }

    void prefetch_stream(std::uint32_t number) const noexcept override {
        if (number < stream_count_)
            prefetch(streams_.data() + std::size_t{number} * name_entry_size);
    }

    void prefetch_stream_name(std::uint32_t number) const noexcept override {
        if (number >= stream_count_)
            return;
        const auto at = place_of(streams_.data() + std::size_t{number} * name_entry_size + 8);
        if (at.name_at < texts_.size())
            prefetch(texts_.data() + at.name_at);
    }

    [[nodiscard]] type_entry type(std::uint32_t number) const override {
        const auto* at = entry_of_type(number);
        const auto extra = load_le<std::uint64_t>(at);
        if (extra >> 32U != static_cast<std::uint64_t>(payload_format::cbor))
            fail();
        return {name_at(place_of(at + 8)), static_cast<std::uint32_t>(extra), payload_format::cbor};
    }

    [[nodiscard]] std::string_view tag(std::uint32_t number) const override {
        return name_at(place_of(entry_of_tag(number)));
    }

    [[nodiscard]] std::optional<std::uint32_t> find_stream(std::string_view name) const override {
        return find(stream_order_, name, [&](std::uint32_t n) { return stream(n).name; });
    }

    [[nodiscard]] std::optional<std::uint32_t> find_tag(std::string_view text) const override {
        return find(tag_order_, text, [&](std::uint32_t n) { return tag(n); });
    }

    [[nodiscard]] std::vector<std::uint32_t> find_streams_with(std::string_view prefix
    ) const override {
        const auto name_of_number = [&](std::uint32_t n) { return stream(n).name; };
        std::vector<std::uint32_t> out;
        for (auto i = lower_bound(stream_order_, prefix, name_of_number); i < stream_count_; ++i) {
            const auto number = load_le<std::uint32_t>(stream_order_.data() + std::size_t{i} * 4);
            if (!name_of_number(number).starts_with(prefix))
                break;
            out.push_back(number);
        }
        return out;
    }

    [[nodiscard]] std::uint32_t count_of_stream(std::uint32_t number) const override {
        return list_walk{*this, place_of(entry_of_stream(number) + 8)}.count();
    }

    [[nodiscard]] std::uint32_t count_of_type(std::uint32_t number) const override {
        return list_walk{*this, place_of(entry_of_type(number) + 8)}.count();
    }

    [[nodiscard]] std::uint32_t count_of_tag(std::uint32_t number) const override {
        return list_walk{*this, place_of(entry_of_tag(number))}.count();
    }

    [[nodiscard]] std::uint32_t
    ordinal_in_stream(std::uint32_t number, std::uint32_t i) const override {
        list_walk list{*this, place_of(entry_of_stream(number) + 8)};
        for (; i > 0; --i)
            static_cast<void>(list.next());
        return list.next();
    }

    [[nodiscard]] std::optional<std::uint32_t> find_append(const uuid& id) const override {
        std::size_t low = 0;
        std::size_t high = appends_.size() / append_entry_size;
        while (low < high) {
            const auto middle = low + (high - low) / 2;
            if (append_at(middle).id < id)
                low = middle + 1;
            else
                high = middle;
        }
        if (low == appends_.size() / append_entry_size)
            return {};
        const auto found = append_at(low);
        return found.id == id ? std::optional{found.frame} : std::nullopt;
    }

    [[nodiscard]] std::vector<append_entry> appends() const override {
        const auto count = appends_.size() / append_entry_size;
        std::vector<append_entry> out;
        out.reserve(count);
        for (std::size_t i = 0; i < count; ++i)
            out.push_back(append_at(i));
        return out;
    }

    void append_stream(std::uint32_t number, ordinal_list& out) const override {
        append_list(place_of(entry_of_stream(number) + 8), out);
    }

    void append_type(std::uint32_t number, ordinal_list& out) const override {
        append_list(place_of(entry_of_type(number) + 8), out);
    }

    void append_tag(std::uint32_t number, ordinal_list& out) const override {
        append_list(place_of(entry_of_tag(number)), out);
    }

private:
    static segment_growth take_growth(section_taker& in) {
        segment_growth out;
        out.frame_count = in.number<std::uint64_t>();
        out.last_frame = byte_offset{in.number<std::uint64_t>()};
        out.watermark = byte_offset{in.number<std::uint64_t>()};
        out.recorded_ns = in.number<std::int64_t>();
        out.summary.occurred_min_ns = in.number<std::int64_t>();
        out.summary.occurred_max_ns = in.number<std::int64_t>();
        out.epoch = in.number<std::uint32_t>();
        out.summary.has_own_streams = in.number<std::uint32_t>() == own_streams_flag;
        return out;
    }

    static bool take_gaps(section_taker& in, gap_list& out, std::uint64_t dense_max) {
        for (auto left = in.number<std::uint32_t>(); left > 0; --left) {
            const auto at = in.number<std::uint32_t>();
            if (at > dense_max || !out.add(gap_list::gap{at, in.number<std::uint32_t>()}))
                return false;
        }
        return true;
    }

    static bool
    take_numbers(section_taker& in, std::vector<std::uint32_t>& out, std::uint32_t count) {
        const auto bytes = in.take(std::uint64_t{count} * 4);
        for (std::size_t at = 0; at < bytes.size(); at += 4) {
            const auto number = load_le<std::uint32_t>(bytes.data() + at);
            if (!out.empty() && number <= out.back())
                return false;
            out.push_back(number);
        }
        return out.size() == count;
    }

    /// False where it does not fit the rest.
    [[nodiscard]] bool parse_sparse(section_taker& in, std::uint64_t covered) {
        auto& sparse = *make_sparse();
        if (!take_gaps(in, sparse.positions, events_) ||
            std::uint64_t{events_} + sparse.positions.removed() != covered)
            return false;
        for (auto left = in.number<std::uint32_t>(); left > 0; --left) {
            const auto stream = in.number<std::uint32_t>();
            if (stream >= stream_count_ || sparse.revisions.contains(stream) ||
                !take_gaps(in, sparse.revisions[stream], events_))
                return false;
        }
        return take_numbers(in, sparse.streams, stream_count_) &&
               take_numbers(in, sparse.types, type_count_) &&
               take_numbers(in, sparse.tags, tag_count_);
    }

    [[noreturn]] void fail() const {
        throw corruption{
            path_, byte_offset{0}, "the index holds what no index of ours does; delete the file"};
    }

    [[nodiscard]] append_entry append_at(std::size_t i) const {
        const auto* at = appends_.data() + i * append_entry_size;
        append_entry out{.frame = load_le<std::uint32_t>(at + 16)};
        std::copy_n(at, 16, out.id.octets.begin());
        if (out.frame >= frame_count_)
            fail();
        return out;
    }

    [[nodiscard]] const std::byte* entry_of_stream(std::uint32_t number) const {
        if (number >= stream_count_)
            fail();
        return streams_.data() + std::size_t{number} * name_entry_size;
    }

    [[nodiscard]] const std::byte* entry_of_type(std::uint32_t number) const {
        if (number >= type_count_)
            fail();
        return types_.data() + std::size_t{number} * name_entry_size;
    }

    [[nodiscard]] const std::byte* entry_of_tag(std::uint32_t number) const {
        if (number >= tag_count_)
            fail();
        return tags_.data() + std::size_t{number} * tag_entry_size;
    }

    [[nodiscard]] static name_place place_of(const std::byte* at) noexcept {
        return {load_le<std::uint32_t>(at), load_le<std::uint32_t>(at + 4)};
    }

    [[nodiscard]] std::string_view name_at(name_place place) const {
        if (place.name_at >= texts_.size())
            fail();
        const auto rest = texts_.subspan(place.name_at);
        const auto length = std::to_integer<std::size_t>(rest.front());
        if (length >= rest.size())
            fail();
        return as_text(rest.subspan(1, length));
    }

    /// The ordinals of one list, in order.
    class list_walk {
    public:
        list_walk(const stored_index& index, name_place place)
            : index_{&index}
            , deltas_{
                  index.lists_.subspan(std::min<std::size_t>(place.list_at, index.lists_.size()))} {
            if (!deltas_.next(count_) || count_ > index.events_)
                index.fail();
        }

        [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

        [[nodiscard]] std::uint32_t next() {
            std::uint32_t delta = 0;
            if (!deltas_.next(delta) || (!is_first_ && delta == 0))
                index_->fail();
            is_first_ = false;
            ordinal_ += delta;
            if (ordinal_ >= index_->events_)
                index_->fail();
            return static_cast<std::uint32_t>(ordinal_);
        }

    private:
        const stored_index* index_;
        varint_reader deltas_;
        std::uint32_t count_{};
        std::uint64_t ordinal_{};
        bool is_first_{true};
    };

    void append_list(name_place place, ordinal_list& out) const {
        list_walk list{*this, place};
        if (const auto size = out.size() + list.count(); size > out.capacity())
            out.reserve(std::max(size, out.capacity() * 2)); // of many lists, each may add a little
        for (auto left = list.count(); left > 0; --left)
            out.push_back(list.next());
    }

    /// How many of the ordered names are less than `name`.
    template <class NameOf>
    [[nodiscard]] static std::uint32_t
    lower_bound(bytes_view order, std::string_view name, const NameOf& name_of_number) {
        std::size_t low = 0;
        std::size_t high = order.size() / 4;
        while (low < high) {
            const auto middle = low + (high - low) / 2;
            if (name_of_number(load_le<std::uint32_t>(order.data() + middle * 4)) < name)
                low = middle + 1;
            else
                high = middle;
        }
        return static_cast<std::uint32_t>(low);
    }

    template <class NameOf>
    [[nodiscard]] static std::optional<std::uint32_t>
    find(bytes_view order, std::string_view name, const NameOf& name_of_number) {
        const auto i = std::size_t{lower_bound(order, name, name_of_number)};
        if (i == order.size() / 4)
            return {};
        const auto number = load_le<std::uint32_t>(order.data() + i * 4);
        return name_of_number(number) == name ? std::optional{number} : std::nullopt;
    }

    std::unique_ptr<const io::mapping> content_;
    std::string path_;
    std::uint32_t events_{};
    std::uint32_t frame_count_{};
    std::uint32_t stream_count_{};
    std::uint32_t type_count_{};
    std::uint32_t tag_count_{};
    bytes_view frames_{};
    bytes_view strides_{};
    bytes_view streams_{};
    bytes_view types_{};
    bytes_view tags_{};
    bytes_view stream_order_{};
    bytes_view tag_order_{};
    bytes_view appends_{};
    bytes_view offsets_{};
    bytes_view lists_{};
    bytes_view texts_{};
};

} // namespace

byte_buffer encode(const segment_index& index, const index_identity& of) {
    index_writer writer;
    writer.add_frames_and_offsets(index);
    writer.add_appends(index);
    ordinal_list list;
    for (std::uint32_t i = 0; i < index.stream_count(); ++i) {
        list.clear();
        index.append_stream(i, list);
        writer.add_name(index.stream(i).name, index.stream(i).base, list);
    }
    for (std::uint32_t i = 0; i < index.type_count(); ++i) {
        list.clear();
        index.append_type(i, list);
        writer.add_name(index.type(i).name, extra_of(index.type(i)), list);
    }
    for (std::uint32_t i = 0; i < index.tag_count(); ++i) {
        list.clear();
        index.append_tag(i, list);
        writer.add_name(index.tag(i), {}, list);
    }
    writer.add_order(index.stream_count(), [&](std::uint32_t n) { return index.stream(n).name; });
    writer.add_order(index.tag_count(), [&](std::uint32_t n) { return index.tag(n); });
    return writer.take(index, of);
}

read_index read_stored_index(io::file_system& files, const std::string& path, std::string& why) {
    auto content = files.open(path, io::open_mode::read)->map();
    const auto bytes = content->bytes();
    if (bytes.size() < index_header_size + checksum_size ||
        !std::ranges::equal(bytes.first(index_magic.size()), index_magic)) {
        why = "it is not an index";
        return {};
    }
    if (load_le<std::uint32_t>(bytes.data() + index_magic.size()) != index_format) {
        why = "it is in the format of another version";
        return {};
    }
    const auto covered = bytes.first(bytes.size() - checksum_size);
    const auto segment_id = load_le<std::uint64_t>(bytes.data() + segment_id_at);
    if (checksum(covered, segment_id) != load_le<std::uint64_t>(bytes.data() + covered.size())) {
        why = "its checksum does not hold";
        return {};
    }
    const position first{load_le<std::uint64_t>(bytes.data() + segment_id_at + 8)};
    auto index = std::make_shared<stored_index>(first, std::move(content), path);
    read_index out;
    if (!index->parse(out.of)) {
        why = "it holds what no index of ours does";
        return {};
    }
    out.content = std::move(index);
    return out;
}

std::shared_ptr<const segment_index> open_stored_index(
    io::file_system& files, const std::string& path, const index_identity& of, std::string& why
) {
    auto found = read_stored_index(files, path, why);
    if (found.content == nullptr)
        return nullptr;
    if (found.of != of) {
        why = "it is of another segment, or of another state of it";
        return nullptr;
    }
    return std::move(found.content);
}

} // namespace everfold::log
