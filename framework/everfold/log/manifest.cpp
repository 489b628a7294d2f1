// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/manifest.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace everfold::log {

namespace {

constexpr std::size_t manifest_bytes_max = std::size_t{256} << 20U;

constexpr std::uint16_t rewritten_flag = 1;
constexpr std::uint16_t own_streams_flag = 2;

std::uint16_t flags_of(const segment_entry& s) noexcept {
    return static_cast<std::uint16_t>(
        (s.is_rewritten ? rewritten_flag : 0) | (s.has_own_streams ? own_streams_flag : 0)
    );
}

void append_text(byte_buffer& out, std::string_view text) {
    append_le(out, static_cast<std::uint16_t>(text.size()));
    append_bytes(out, as_bytes(text));
}

byte_buffer encode(const manifest& m) {
    byte_buffer out;
    append_le(out, std::uint32_t{format_major});
    append_le(out, std::uint32_t{0});
    append_le(out, m.limits.segment_bytes_max);
    append_le(out, m.limits.event_bytes_max);
    append_le(out, m.limits.batch_bytes_max);
    append_le(out, m.created_ns);
    append_le(out, static_cast<std::uint32_t>(m.segments.size()));
    append_le(out, static_cast<std::uint32_t>(m.dead.size()));
    for (const auto& s : m.segments) {
        append_le(out, s.number);
        append_le(out, s.id);
        append_le(out, s.first.value());
        append_le(out, s.end.value());
        append_le(out, s.end_offset.value());
        append_le(out, s.chain_start);
        append_le(out, s.chain_end);
        append_le(out, s.recorded_last_ns);
        append_le(out, s.occurred_min_ns);
        append_le(out, s.occurred_max_ns);
        append_le(out, s.event_count);
        append_le(out, s.epoch_end);
        append_le(out, static_cast<std::uint16_t>(s.kind));
        append_le(out, flags_of(s));
        append_text(out, s.file);
    }
    for (const auto& name : m.dead)
        append_text(out, name);
    return out;
}

/// Reads fields from a payload whose checksum held; a short one is a writer's bug or hostile.
class payload_reader {
public:
    payload_reader(bytes_view payload, std::string file)
        : rest_{payload}
        , file_{std::move(file)} {}

    template <class T>
    T number() {
        return load_le<T>(take(sizeof(T)).data());
    }

    std::string text() {
        const auto length = number<std::uint16_t>();
        return std::string{as_text(take(length))};
    }

    uuid id() {
        uuid out;
        std::ranges::copy(take(16), out.octets.begin());
        return out;
    }

    [[nodiscard]] bool is_at_end() const noexcept { return rest_.empty(); }

    [[noreturn]] void fail(const char* what) const {
        throw corruption{file_, byte_offset{0}, what};
    }

private:
    bytes_view take(std::size_t size) {
        if (size > rest_.size())
            fail("a field is cut short");
        const auto out = rest_.first(size);
        rest_ = rest_.subspan(size);
        return out;
    }

    bytes_view rest_;
    std::string file_;
};

segment_entry decode_segment(payload_reader& in) {
    segment_entry s;
    s.number = in.number<std::uint64_t>();
    s.id = in.number<std::uint64_t>();
    s.first = position{in.number<std::uint64_t>()};
    s.end = position{in.number<std::uint64_t>()};
    s.end_offset = byte_offset{in.number<std::uint64_t>()};
    s.chain_start = in.number<std::uint64_t>();
    s.chain_end = in.number<std::uint64_t>();
    s.recorded_last_ns = in.number<std::int64_t>();
    s.occurred_min_ns = in.number<std::int64_t>();
    s.occurred_max_ns = in.number<std::int64_t>();
    s.event_count = in.number<std::uint64_t>();
    s.epoch_end = in.number<std::uint32_t>();
    const auto kind = in.number<std::uint16_t>();
    const auto flags = in.number<std::uint16_t>();
    s.is_rewritten = (flags & rewritten_flag) != 0;
    s.has_own_streams = (flags & own_streams_flag) != 0;
    if (flags != flags_of(s))
        in.fail("a segment with an unknown property");
    if (kind > 2)
        in.fail("a segment of an unknown kind");
    s.kind = static_cast<segment_kind>(kind);
    s.file = in.text();
    if (s.file.empty() || s.file.find('/') != std::string::npos || s.file.starts_with('.'))
        in.fail("a segment's file name that is none of ours");
    return s;
}

void require_order(const manifest& m, const payload_reader& in) {
    if (m.segments.empty() || m.segments.back().kind != segment_kind::active)
        in.fail("the last segment is not the active one");
    const auto& front = m.segments.front();
    if (front.number != 0 || front.first != position{} || front.chain_start != 0)
        in.fail("the first segment is not where every log begins");
    for (std::size_t i = 0; i + 1 < m.segments.size(); ++i) {
        const auto& s = m.segments[i];
        const auto& next = m.segments[i + 1];
        if (s.kind == segment_kind::active || s.end != next.first || s.end < s.first ||
            s.event_count > s.end - s.first ||
            (!s.is_rewritten && s.event_count != s.end - s.first) ||
            s.chain_end != next.chain_start || s.number + 1 != next.number)
            in.fail("the segments do not follow one another");
    }
}

manifest decode_manifest(const slot_content& slot, const std::string& file) {
    payload_reader in{slot.payload, file};
    if (in.number<std::uint32_t>() != format_major || in.number<std::uint32_t>() != 0)
        throw error{
            errc::unsupported,
            "'" + file +
                "' was written by a newer version of Everfold, in a format that this one "
                "does not know"};
    manifest m{.log_id = slot.log_id, .generation = slot.generation};
    m.limits.segment_bytes_max = in.number<std::uint64_t>();
    m.limits.event_bytes_max = in.number<std::uint32_t>();
    m.limits.batch_bytes_max = in.number<std::uint32_t>();
    if (m.limits.batch_bytes_max > batch_bytes_largest)
        in.fail("larger batches than any log allows");
    m.created_ns = in.number<std::int64_t>();
    const auto segment_count = in.number<std::uint32_t>();
    const auto dead_count = in.number<std::uint32_t>();
    for (std::uint32_t i = 0; i < segment_count; ++i)
        m.segments.push_back(decode_segment(in));
    for (std::uint32_t i = 0; i < dead_count; ++i)
        m.dead.push_back(in.text());
    require_order(m, in);
    return m;
}

std::size_t slot_size_for(std::size_t payload) {
    const auto units = (payload + slot_overhead + manifest_slot_unit - 1) / manifest_slot_unit;
    return units * manifest_slot_unit;
}

byte_buffer encode_file(const manifest& m) {
    slot_content content{.generation = m.generation, .log_id = m.log_id, .payload = encode(m)};
    return encode_slots(slot_kind::manifest, content, slot_size_for(content.payload.size()));
}

[[noreturn]] void fail_without_manifest(io::file_system& files, const std::string& directory) {
    if (has_events_without_manifest(files, directory))
        throw corruption{
            io::join(directory, manifest_name),
            byte_offset{0},
            "the manifest is missing, though there are segments"};
    throw error{
        errc::not_a_log,
        "'" + directory + "' is not a log: it has no file " + std::string{manifest_name}};
}

} // namespace

bool has_events_without_manifest(io::file_system& files, const std::string& directory) {
    // What crashes while a log is created leave: first segments without a frame.
    for (const auto& name : files.list(directory)) {
        if (!name.starts_with("seg-"))
            continue;
        if (!name.starts_with("seg-00000000000000000000-") || !name.ends_with(".evl") ||
            files.open(io::join(directory, name), io::open_mode::read)->size() >
                segment_header_size)
            return true;
    }
    return false;
}

manifest_read read_manifest(io::file_system& files, const std::string& directory) {
    const auto kind = files.kind(directory, true);
    if (kind == io::path_kind::missing)
        throw error{errc::not_a_log, "there is no log at '" + directory + "': no such directory"};
    if (kind != io::path_kind::directory)
        throw error{errc::not_a_log, "'" + directory + "' is not a log: a log is a directory"};
    const auto path = io::join(directory, manifest_name);
    if (files.kind(path) == io::path_kind::missing)
        fail_without_manifest(files, directory);
    const auto content = io::read_whole(files, path, manifest_bytes_max);
    const auto slots = read_slots(slot_kind::manifest, content);
    if (!slots)
        throw corruption{path, byte_offset{0}, "neither copy of the manifest matches its checksum"};
    // A change that is only in the second slot is unfinished, and need not be on the disk though it
    // can be read.
    return {decode_manifest(slots->newest, path), slots->are_both_whole, slots->is_second_newer};
}

void replace_manifest(io::file_system& files, const std::string& directory, const manifest& m) {
    io::replace_durably(files, io::join(directory, manifest_name), encode_file(m));
}

copies commit_manifest(io::file_system& files, const std::string& directory, manifest& m) {
    const auto path = io::join(directory, manifest_name);
    auto file = files.open(path, io::open_mode::write);
    const auto slot_size = static_cast<std::size_t>(file->size() / 2);
    const auto payload = encode(m);
    if (payload.size() + slot_overhead > slot_size) {
        m.generation += 2;
        io::replace_durably(files, path, encode_file(m));
        return copies::both;
    }
    slot_writer slots{std::move(file), slot_kind::manifest, slot_size, m.log_id, m.generation};
    slots.write_second_synced(payload);
    ++m.generation;
    return copies::one;
}

void complete_manifest(io::file_system& files, const std::string& directory, manifest& m) {
    auto file = files.open(io::join(directory, manifest_name), io::open_mode::write);
    const auto slot_size = static_cast<std::size_t>(file->size() / 2);
    slot_writer slots{std::move(file), slot_kind::manifest, slot_size, m.log_id, m.generation};
    slots.write_first_synced(encode(m));
    ++m.generation;
}

byte_buffer encode(const head_mark& mark) {
    byte_buffer out;
    append_le(out, mark.segment_number);
    append_le(out, mark.segment_id);
    append_le(out, mark.durable.value());
    append_le(out, mark.end.value());
    append_le(out, mark.epoch);
    append_le(out, static_cast<std::uint32_t>(mark.state));
    append_bytes(out, mark.boot_id.octets);
    append_le(out, mark.in_flight_max);
    append_le(out, mark.pair);
    append_le(out, static_cast<std::uint32_t>(mark.is_paired ? 1 : 0));
    return out;
}

std::uint64_t in_flight_max_at_commit(const size_limits& limits) noexcept {
    return 2 * (std::uint64_t{limits.batch_bytes_max} + frame_overhead);
}

head_file::head_file(io::file_system& files, const std::string& directory)
    : path_{io::join(directory, head_name)} {
    if (files.kind(path_) == io::path_kind::missing)
        throw corruption{path_, byte_offset{0}, "the head mark is missing"};
    file_ = files.open(path_, io::open_mode::read);
}

std::size_t head_file::read(std::span<std::byte> into) {
    return file_->read_at(byte_offset{0}, into);
}

bool head_file::is_still(std::uint32_t word) {
    std::array<std::byte, sizeof word> now{};
    return file_->read_at(slot_word(head_slot_size), now) == now.size() &&
           load_le<std::uint32_t>(now.data()) == word && file_->is_in_place();
}

head_mark_read
read_head_mark(io::file_system& files, const std::string& directory, const uuid& log_id) {
    head_file in{files, directory};
    return read_head_mark(in, log_id);
}

head_mark_read read_head_mark(head_file& in, const uuid& log_id) {
    const auto& path = in.path();
    const auto damaged = [&](const char* what) { return corruption{path, byte_offset{0}, what}; };
    // A writer may be overwriting one slot at this moment; the other is whole, or the next read.
    for (int attempt = 0; attempt < 3; ++attempt) {
        std::array<std::byte, 2 * head_slot_size> buffer{};
        const auto size = in.read(buffer);
        const auto slots = read_slots(slot_kind::head, bytes_view{buffer}.first(size));
        if (!slots)
            continue;
        if (slots->newest.log_id != log_id)
            throw damaged("the head mark is of another log");
        payload_reader said{slots->newest.payload, path};
        head_mark mark;
        mark.segment_number = said.number<std::uint64_t>();
        mark.segment_id = said.number<std::uint64_t>();
        mark.durable = byte_offset{said.number<std::uint64_t>()};
        mark.end = position{said.number<std::uint64_t>()};
        mark.epoch = said.number<std::uint32_t>();
        const auto state = said.number<std::uint32_t>();
        if (state > 2)
            said.fail("a head mark of an unknown state");
        mark.state = static_cast<head_state>(state);
        mark.boot_id = said.id();
        mark.in_flight_max = said.number<std::uint64_t>();
        if (!said.is_at_end()) { // the first logs had no mirrors
            mark.pair = said.number<std::uint64_t>();
            mark.is_paired = said.number<std::uint32_t>() != 0;
        }
        return {
            mark,
            slots->newest.generation,
            slots->are_both_whole,
            slots->is_second_newer,
            slots->word};
    }
    throw damaged("neither copy of the head mark matches its checksum");
}

void replace_head_mark(
    io::file_system& files,
    const std::string& directory,
    const uuid& log_id,
    const head_mark& mark,
    std::uint64_t generation
) {
    const slot_content content{.generation = generation, .log_id = log_id, .payload = encode(mark)};
    io::replace_durably(
        files,
        io::join(directory, head_name),
        encode_slots(slot_kind::head, content, head_slot_size)
    );
}

} // namespace everfold::log
