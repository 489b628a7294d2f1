// SPDX-License-Identifier: MIT
#include <everfold/log/discovery.hpp>
#include <everfold/log/segment_file.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace everfold::log {

namespace {

/// Where neither manifest nor header tells them; those of a store that nobody has asked for others.
constexpr size_limits usual_limits{
    .segment_bytes_max = 64_MiB, .event_bytes_max = 1_MiB, .batch_bytes_max = 16_MiB};

/// A file that looks like a segment.
struct candidate {
    std::string name{};
    bool is_archive{};
    position first{};       // as its name says
    std::uint64_t id{};     // the same
    bool is_id_known{true}; // an archive's name has another id
    std::optional<segment_header> header{};
    std::string why_not{}; // it has no header
};

template <class T>
bool take_number(std::string_view text, int base, T& into) {
    const auto* end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, into, base);
    return failure == std::errc{} && stop == end;
}

/// "seg-<first position, 20 digits>-<id, 16 digits>.evl", ".evr" or ".evz".
std::optional<candidate> named(const std::string& name) {
    constexpr std::size_t size = 4 + 20 + 1 + 16 + 4;
    if (name.size() != size || !name.starts_with("seg-") || name[24] != '-')
        return {};
    candidate out{.name = name, .is_archive = name.ends_with(".evz")};
    const std::string_view text{name};
    std::uint64_t first = 0;
    if ((!out.is_archive && !name.ends_with(".evl") && !name.ends_with(".evr")) ||
        !take_number(text.substr(4, 20), 10, first) ||
        !take_number(text.substr(25, 16), 16, out.id))
        return {};
    out.first = position{first};
    out.is_id_known = !out.is_archive;
    return out;
}

void read_header(
    const io::machine& machine,
    const std::string& directory,
    candidate& of,
    std::optional<std::uint64_t> segment_id
) {
    const auto path = io::join(directory, of.name);
    try {
        std::shared_ptr<io::file> file = machine.files->open(path, io::open_mode::read);
        const auto source =
            of.is_archive ? salvage_archive(file, path, segment_id) : open_plain(file, path);
        if (source == nullptr) {
            of.why_not = "no block of the archive can be read";
            return;
        }
        byte_buffer bytes(segment_header_size);
        segment_source::scratch mine;
        const auto size = source->read_at(byte_offset{0}, bytes, mine);
        of.header = decode_segment_header(bytes_view{bytes}.first(size), path);
        of.id = of.header->id;
        of.is_id_known = true;
    } catch (const error& e) {
        if (e.code() == errc::unsupported)
            throw;
        const auto* damage = dynamic_cast<const corruption*>(&e);
        of.why_not = damage == nullptr ? e.message() : place_of(*damage).what;
    }
}

class discovering {
public:
    discovering(const io::machine& machine, const std::string& directory)
        : machine_{&machine}
        , directory_{&directory} {}

    found_log run() {
        read_the_manifest();
        for (const auto& name : machine_->files->list(*directory_)) {
            auto c = named(name);
            if (!c)
                continue;
            std::optional<std::uint64_t> id;
            for (const auto& s : manifest_.segments) {
                if (s.file == name)
                    id = s.id;
            }
            read_header(*machine_, *directory_, *c, id);
            if (!c->is_id_known && id) {
                c->id = *id;
                c->is_id_known = true;
            }
            candidates_.push_back(std::move(*c));
        }
        find_identity();
        list();
        read_the_head_mark();
        return std::move(out_);
    }

private:
    void damaged(const std::string& name, const std::string& what) {
        out_.damage.push_back({.file = io::join(*directory_, name), .what = what});
    }

    void damaged(const std::string& name, const error& e) {
        if (const auto* damage = dynamic_cast<const corruption*>(&e))
            out_.damage.push_back(place_of(*damage));
        else
            damaged(name, e.message());
    }

    void read_the_manifest() {
        try {
            manifest_ = read_manifest(*machine_->files, *directory_).content;
            out_.has_manifest = true;
            out_.log_id = manifest_.log_id;
            out_.limits = manifest_.limits;
            out_.created_ns = manifest_.created_ns;
        } catch (const error& e) {
            if (e.code() == errc::not_a_log || e.code() == errc::unsupported)
                throw;
            damaged(manifest_name, e);
            manifest_ = {};
        }
    }

    void find_identity() {
        if (out_.has_manifest)
            return;
        std::map<uuid, std::size_t> votes;
        for (const auto& c : candidates_) {
            if (c.header)
                ++votes[c.header->log_id];
        }
        if (votes.empty())
            throw corruption{
                io::join(*directory_, manifest_name),
                byte_offset{0},
                "neither the manifest nor the header of any segment can be read"};
        out_.log_id =
            std::ranges::max_element(votes, {}, [](const auto& v) { return v.second; })->first;
        out_.limits = usual_limits;
        for (const auto& c : candidates_) {
            if (!c.header || c.header->log_id != out_.log_id)
                continue;
            out_.limits.event_bytes_max = c.header->event_bytes_max;
            out_.limits.batch_bytes_max = c.header->batch_bytes_max;
            out_.created_ns = c.header->created_ns;
            break;
        }
    }

    [[nodiscard]] static segment_entry entry_of(const candidate& c) {
        segment_entry e{.id = c.id, .first = c.first, .file = c.name};
        e.kind = c.is_archive ? segment_kind::archived : segment_kind::sealed;
        e.is_rewritten = c.header ? c.header->is_rewritten : c.name.ends_with(".evr");
        if (c.header) {
            e.number = c.header->number;
            e.first = c.header->first;
            e.chain_start = c.header->chain;
        }
        return e;
    }

    void list() {
        for (const auto& s : manifest_.segments)
            add_listed(s);
        std::vector<found_segment> more;
        for (const auto& c : candidates_) {
            if (c.header && c.header->log_id != out_.log_id) {
                out_.notes.push_back("'" + c.name + "' is of another log, and is not read");
                continue;
            }
            if (!is_known(c))
                consider(c, more);
        }
        std::ranges::sort(more, [](const found_segment& a, const found_segment& b) {
            return std::pair{a.entry.first, a.entry.number} <
                   std::pair{b.entry.first, b.entry.number};
        });
        out_.segments.insert(out_.segments.end(), more.begin(), more.end());
    }

    [[nodiscard]] bool is_known(const candidate& c) const {
        return std::ranges::any_of(manifest_.segments, [&](const segment_entry& s) {
            return s.file == c.name || (c.is_id_known && s.id == c.id);
        });
    }

    /// The manifest's file for the segment, or another one with the same content.
    void add_listed(const segment_entry& s) {
        found_segment found{.entry = s, .is_listed = true, .is_chain_start_known = true};
        const auto is_mine = [&](const candidate& c) {
            if (c.header && (c.header->log_id != out_.log_id || c.header->id != s.id))
                return false;
            return c.name == s.file || (c.is_id_known && c.id == s.id);
        };
        const auto named_there = std::ranges::find(candidates_, s.file, &candidate::name);
        if (named_there == candidates_.end())
            out_.damage.push_back(
                {.file = io::join(*directory_, s.file),
                 .what = "the segment's file is missing",
                 .first_lost = s.first}
            );
        else if (!is_mine(*named_there))
            damaged(s.file, "this is another segment than the manifest names");
        else if (!named_there->header)
            damaged(s.file, named_there->why_not);
        auto use = named_there;
        if (use == candidates_.end() || !is_mine(*use) || !use->header) {
            const auto other = std::ranges::find_if(candidates_, [&](const candidate& c) {
                return is_mine(c) && c.header && c.name != s.file;
            });
            if (other != candidates_.end())
                use = other;
        }
        if (use != candidates_.end() && is_mine(*use)) {
            found.is_there = true;
            if (use->name != s.file) {
                out_.notes.push_back(
                    "'" + use->name + "' is read in the place of '" + s.file + "'"
                );
                found.entry.file = use->name;
                if (use->is_archive)
                    found.entry.kind = segment_kind::archived;
                else if (found.entry.kind == segment_kind::archived)
                    found.entry.kind = segment_kind::sealed;
            }
        }
        out_.segments.push_back(std::move(found));
    }

    void consider(const candidate& c, std::vector<found_segment>& more) {
        if (out_.has_manifest) {
            // A manifest that is older than the log does not know its last segments.
            const auto& last = manifest_.segments.back();
            const bool goes_on = c.header && c.header->number > last.number;
            if (!goes_on) {
                out_.notes.push_back("'" + c.name + "' is not read: the manifest does not name it");
                return;
            }
            out_.notes.push_back("'" + c.name + "' is newer than the manifest, and is read");
        } else if (!c.header) {
            damaged(c.name, c.why_not);
            if (!c.is_id_known)
                return;
        }
        found_segment found{.entry = entry_of(c)};
        found.is_there = true;
        found.is_chain_start_known = c.header.has_value();
        // The same segment twice: its archive, and the file that was to be deleted. The file is as
        // it was written. Or before and after a removal that was just being done: what was to be
        // removed is not brought back, if the new one is whole.
        for (auto& m : more) {
            if (m.entry.first == found.entry.first && m.entry.id != found.entry.id &&
                (m.entry.is_rewritten || found.entry.is_rewritten)) {
                const bool is_newer = replaces(found.entry, m.entry);
                out_.notes.push_back(
                    "'" + (is_newer ? m : found).entry.file + "' is not read: '" +
                    (is_newer ? found : m).entry.file + "' holds the same part of the log"
                );
                if (is_newer)
                    m = found;
                return;
            }
            if (m.entry.id != found.entry.id)
                continue;
            if (m.entry.kind == segment_kind::archived)
                m = found;
            return;
        }
        more.push_back(std::move(found));
    }

    /// Whether one of two files for a segment is a whole rewriting of the other, which is not one
    /// of it.
    [[nodiscard]] bool replaces(const segment_entry& a, const segment_entry& b) const {
        const auto from_a = rewritings_of(a);
        const auto from_b = rewritings_of(b);
        if (!from_a && !from_b)
            return b.is_rewritten && !a.is_rewritten;
        if (!from_a || !from_b)
            return from_a.has_value();
        return *from_a > *from_b;
    }

    /// How often; nothing where a frame is missing.
    [[nodiscard]] std::optional<std::uint64_t> rewritings_of(const segment_entry& e) const {
        try {
            const auto source = open_found(*machine_, *directory_, e);
            frame_reader reader{
                source, header_seed(out_.log_id, e.id), out_.limits.batch_bytes_max};
            salvage_state state{.walk = {.at = first_frame, .next = e.first}};
            state.walk.chain = e.chain_start;
            std::uint64_t count = 0;
            bool is_intact = true;
            salvage_frames(
                reader,
                byte_offset{source->size()},
                state,
                [&](const frame_view& frame, std::optional<std::uint64_t> /*chain*/) {
                    count += frame.header.kind == frame_kind::provenance ? 1U : 0U;
                },
                [&](const lost_stretch&) { return is_intact = false; }
            );
            return is_intact && state.walk.is_sealed ? std::optional{count} : std::nullopt;
        } catch (const error&) {
            return {};
        }
    }

    void read_the_head_mark() {
        try {
            out_.head = read_head_mark(*machine_->files, *directory_, out_.log_id);
        } catch (const error& e) {
            damaged(head_name, e);
        }
    }

    const io::machine* machine_;
    const std::string* directory_;
    found_log out_{};
    manifest manifest_{};
    std::vector<candidate> candidates_{};
};

} // namespace

found_log discover(const io::machine& machine, const std::string& directory) {
    return discovering{machine, directory}.run();
}

std::shared_ptr<forgiving_source>
open_found(const io::machine& machine, const std::string& directory, const segment_entry& entry) {
    auto path = io::join(directory, entry.file);
    std::shared_ptr<io::file> file = machine.files->open(path, io::open_mode::read);
    auto source = entry.kind == segment_kind::archived
                      ? salvage_archive(std::move(file), path, entry.id)
                      : open_plain(std::move(file), path);
    if (source == nullptr)
        throw corruption{path, byte_offset{0}, "no block of the archive can be read"};
    return std::make_shared<forgiving_source>(std::move(source));
}

damaged_place place_of(const corruption& damage) {
    // Its message begins with the place, which is said by itself here.
    auto what = damage.message();
    const auto place = " at byte " + std::to_string(damage.at().value()) + ": ";
    if (const auto at = what.find(place); at != std::string::npos)
        what.erase(0, at + place.size());
    return {
        .file = damage.file(),
        .at = damage.at(),
        .what = std::move(what),
        .first_lost = damage.first_lost};
}

} // namespace everfold::log
