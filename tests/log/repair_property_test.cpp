// SPDX-License-Identifier: MIT
// Random logs, random damage: repair invents nothing, lists what is missing, and keeps what is
// intact.

#include <everfold/base/error.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/frame_reader.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/record.hpp>
#include <everfold/log/remains.hpp>
#include <everfold/log/segment_file.hpp>

#include <doctest/doctest.h>
#include <support/repair_verbs.hpp>
#include <support/sanitized.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using log::event_log;

namespace {

using name_key = std::pair<log::name_kind, std::uint32_t>;

/// A batch of the log before it was damaged, or what remained of batches, and where its bytes are.
struct known_frame {
    std::string file{};
    std::string index{}; // empty: of the active segment
    std::uint64_t begin{};
    std::uint64_t end{};
    std::vector<std::uint64_t> left{}; // positions
    std::vector<std::uint64_t> removed{};
    std::set<std::size_t> needed{}; // frames that bring the names which it uses
};

struct random_log {
    std::shared_ptr<io::simulated_disk> disk{std::make_shared<io::simulated_disk>()};
    std::vector<whole_event> truth{};  // removed events, too
    std::set<std::uint64_t> removed{}; // positions
    std::vector<known_frame> frames{};
};

class making {
public:
    explicit making(std::uint64_t seed)
        : random_{seed}
        , seed_{seed} {}

    random_log make() {
        const auto machine = io::simulated_machine(out_.disk, seed_);
        const auto made = event_log::open(
            machine, "/log", small_log(log::access::create, 4096 + 1200 + below(3000))
        );
        const auto batches = 10 + below(60);
        for (std::uint64_t i = 0; i < batches; ++i)
            append(*made);
        if (below(2) == 0) {
            out_.truth = read_whole(machine, "/log");
            remove_some(*made);
        }
        const auto archived = below(made->index().end().value() + 1);
        if (below(2) == 0)
            made->archive([&](const log::segment_index& s) { return s.first().value() < archived; }
            );
        if (below(4) == 0 && out_.removed.empty()) {
            out_.truth = read_whole(machine, "/log");
            remove_some(*made); // from archives
        }
        append(*made);
        made->close();
        take_truth(machine);
        find_frames(machine);
        return std::move(out_);
    }

private:
    std::uint64_t below(std::uint64_t n) { return random_() % n; }

    /// In up to two rounds: what is left of an event's stream and type stays as it was.
    void remove_some(event_log& from) {
        for (auto rounds = 1 + below(2); rounds > 0; --rounds) {
            const auto share = 1 + below(5);
            const auto run = below(out_.truth.size());
            const auto stream = below(3) == 0 ? std::string{"a-1"} : std::string{};
            static_cast<void>(from.scavenge(
                [&](const log::readable_segment& in) {
                    log::removal out;
                    for (std::uint32_t i = 0; i < in.event_count; ++i) {
                        const auto at = in.index->position_of(i).value();
                        if (below(share * 2) == 0 || (at >= run && at < run + 15) ||
                            out_.truth[at].stream == stream)
                            out.events.push_back(i);
                    }
                    return out;
                },
                "a test"
            ));
        }
        for (std::uint64_t p = 0; p < out_.truth.size(); ++p)
            out_.removed.insert(p);
        for (const auto& e : read_all(from))
            out_.removed.erase(e.at);
    }

    /// What is there now, after what was there before something was removed.
    void take_truth(const io::machine& machine) {
        const auto now = read_whole(machine, "/log");
        std::vector<whole_event> all;
        auto next = now.begin();
        for (std::uint64_t p = 0; next != now.end() || out_.removed.contains(p); ++p)
            all.push_back(out_.removed.contains(p) ? out_.truth.at(p) : *next++);
        out_.truth = std::move(all);
    }

    void append(event_log& to) {
        static const std::vector<std::string> streams{"a", "a-1", "b-1", "b-2", "c"};
        static const std::vector<std::string> types{"opened", "seen"};
        static const std::vector<std::string> labels{"k:1", "k:2", "lang:é"};
        const auto count = 1 + below(4);
        std::vector<std::vector<std::string>> tags(count);
        std::vector<std::string> payloads(count);
        std::vector<log::draft> drafts(count);
        for (std::size_t k = 0; k < count; ++k) {
            for (const auto& label : labels) {
                if (below(4) == 0)
                    tags[k].push_back(label);
            }
            payloads[k] = std::string(below(90), static_cast<char>('a' + below(26)));
            auto& d = drafts[k];
            d.stream = streams[below(streams.size())];
            d.type = types[below(types.size())];
            d.version = 1 + static_cast<std::uint32_t>(below(2));
            d.tags = tags[k];
            if (below(3) == 0)
                d.occurred_at =
                    timestamp::from_milliseconds(static_cast<std::int64_t>(below(9'000)));
            if (below(3) == 0)
                d.id.octets.fill(static_cast<std::byte>(1 + below(200)));
            if (below(4) == 0)
                d.causation_id.octets.fill(static_cast<std::byte>(1 + below(200)));
            if (below(3) == 0)
                d.metadata = as_bytes("who");
            d.payload = as_bytes(payloads[k]);
        }
        static_cast<void>(to.append(drafts, {}, [](const log::stream_heads&) { return true; }));
    }

    void find_frames(const io::machine& machine) {
        const auto m = log::read_manifest(*machine.files, "/log").content;
        for (const auto& entry : m.segments) {
            const auto source = log::open_segment(machine, "/log", entry, m.log_id);
            log::frame_reader reader{
                source, log::header_seed(m.log_id, entry.id), m.limits.batch_bytes_max};
            std::map<name_key, std::size_t> bringer;
            const byte_offset end{source->size()};
            for (auto at = log::first_frame; const auto* frame = reader.read(at, end);
                 at = frame->end()) {
                if (frame->header.kind == log::frame_kind::batch ||
                    frame->header.kind == log::frame_kind::remains)
                    out_.frames.push_back(known(entry, *frame, bringer));
            }
        }
    }

    known_frame known(
        const log::segment_entry& entry,
        const log::frame_view& frame,
        std::map<name_key, std::size_t>& bringer
    ) const {
        known_frame out{
            .file = io::join("/log", entry.file),
            .begin = frame.at.value(),
            .end = frame.end().value()};
        if (entry.kind != log::segment_kind::active)
            out.index = io::join("/log", log::index_file_name(entry));
        if (entry.kind == log::segment_kind::archived) {
            // One block, which is whole or not.
            const auto content = this->out_.disk->content(out.file);
            out.begin = 0;
            out.end = load_le<std::uint64_t>(content.data() + content.size() - 16);
        }
        for (std::uint64_t i = 0; i < frame.header.event_count; ++i) {
            const auto p = frame.header.first.value() + i;
            (out_.removed.contains(p) ? out.removed : out.left).push_back(p);
        }
        auto rest = log::records_of(frame);
        while (!rest.empty()) {
            const auto record = log::take_record(rest, frame.header.recorded_ns);
            REQUIRE(record);
            if (const auto* name = std::get_if<log::names_record>(&*record)) {
                bringer[{name->kind, name->number}] = out_.frames.size();
                continue;
            }
            const auto& event = std::get<log::event_record>(*record);
            out.needed.insert(bringer.at({log::name_kind::stream, event.stream}));
            out.needed.insert(bringer.at({log::name_kind::type, event.type}));
            for (std::size_t i = 0; i < event.tag_count(); ++i)
                out.needed.insert(bringer.at({log::name_kind::tag, event.tag(i)}));
        }
        return out;
    }

    std::mt19937_64 random_;
    std::uint64_t seed_;
    random_log out_{};
};

/// The disk with something wrong; says what.
std::string damage(io::simulated_disk& disk, std::mt19937_64& random) {
    auto files = disk.files_below("/log");
    std::erase_if(files, [](const std::string& path) { return path.ends_with("/LOCK"); });
    if (files.empty())
        return "nothing left";
    const auto below = [&](std::uint64_t n) { return static_cast<std::size_t>(random() % n); };
    const auto path = files[below(files.size())];
    auto content = disk.content(path);
    if (content.empty())
        return "empty";
    const auto at = below(content.size());
    const auto sector = at / 512 * 512;
    const auto sector_end = std::min(sector + 512, content.size());
    std::string what;
    switch (below(7)) {
    case 0:
    case 1:
        content[at] ^= static_cast<std::byte>(1U << below(8));
        what = "bit flipped at ";
        break;
    case 2:
        std::fill(
            content.begin() + static_cast<std::ptrdiff_t>(sector),
            content.begin() + static_cast<std::ptrdiff_t>(sector_end),
            std::byte{0}
        );
        what = "sector zeroed at ";
        break;
    case 3: {
        const auto other = disk.content(files[below(files.size())]);
        for (auto i = sector; i < sector_end && i < other.size(); ++i)
            content[i] = other[i];
        what = "sector of another file at ";
        break;
    }
    case 4:
        content.resize(at);
        what = "cut at ";
        break;
    case 5:
        for (std::size_t i = 0; i < 100; ++i)
            content.push_back(static_cast<std::byte>(random()));
        what = "garbage appended, not at ";
        break;
    default:
        disk.remove(path);
        return "removed " + path;
    }
    disk.set_content(path, std::move(content));
    return what + std::to_string(at) + " of " + path;
}

byte_buffer content_or_nothing(const io::simulated_disk& disk, const std::string& path) {
    const auto files = disk.files_below("/log");
    return std::ranges::find(files, path) == files.end() ? byte_buffer{} : disk.content(path);
}

bool is_same(const byte_buffer& a, const byte_buffer& b, std::uint64_t begin, std::uint64_t end) {
    return a.size() >= end && b.size() >= end &&
           std::equal(
               a.begin() + static_cast<std::ptrdiff_t>(begin),
               a.begin() + static_cast<std::ptrdiff_t>(end),
               b.begin() + static_cast<std::ptrdiff_t>(begin)
           );
}

} // namespace

TEST_CASE("P22: whatever is damaged, repair invents nothing, lists what is lost and keeps the rest"
) {
    int complete = 0;
    int lossy = 0;
    int refused = 0;
    std::uint64_t kept_events = 0;
    std::uint64_t lost_events = 0;
    std::uint64_t removed_events = 0;
    std::uint64_t lost_names = 0;
    for (std::uint64_t seed = 1; seed <= 1500; seed += one_in(7)) {
        CAPTURE(seed);
        const auto made = making{seed}.make();
        std::mt19937_64 random{seed * 7919};
        const auto disk = made.disk->after_kill();
        std::string what;
        for (auto n = 1 + random() % 4; n > 0; --n)
            what += damage(*disk, random) + "; ";
        CAPTURE(what);

        std::map<std::string, byte_buffer> before;
        for (const auto& path : disk->files_below("/log"))
            before[path] = disk->content(path);
        repair_report report;
        try {
            report = repaired(disk);
        } catch (const error& e) {
            // Only where nothing tells which log this was, or that it was one.
            CAPTURE(e.what());
            ++refused;
            CHECK((e.code() == errc::not_a_log || e.code() == errc::damaged));
            bool has_header = false;
            for (const auto& f : made.frames)
                has_header =
                    has_header ||
                    ((f.file.ends_with(".evl") || f.file.ends_with(".evr")) &&
                     is_same(
                         content_or_nothing(*disk, f.file), made.disk->content(f.file), 0, 4096
                     ) &&
                     content_or_nothing(*disk, f.file).size() > 4096);
            CHECK_FALSE(has_header);
            continue;
        }
        std::map<std::string, byte_buffer> after;
        for (const auto& path : disk->files_below("/log"))
            after[path] = disk->content(path);
        CHECK(before == after);

        const auto kept = check_repair(disk, report, made.truth, "/new", made.removed);
        std::set<std::uint64_t> told_removed;
        for (const auto& r : report.removed) {
            for (auto p = r.first; p < r.end; p = p.next())
                told_removed.insert(p.value());
        }
        const auto is_intact = [&](const known_frame& f) {
            return is_same(
                content_or_nothing(*disk, f.file), made.disk->content(f.file), f.begin, f.end
            );
        };
        for (const auto& f : made.frames) {
            if (!is_intact(f))
                continue;
            const bool has_index = !f.index.empty() && content_or_nothing(*disk, f.index) ==
                                                           made.disk->content(f.index);
            const bool has_names = has_index || std::ranges::all_of(f.needed, [&](std::size_t n) {
                                       return is_intact(made.frames[n]);
                                   });
            lost_names += has_names ? 0 : 1;
            for (const auto p : f.left) {
                CAPTURE(p);
                CHECK((!has_names || kept.contains(p)));
            }
            for (const auto p : f.removed) {
                CAPTURE(p);
                CHECK(told_removed.contains(p));
            }
        }
        for (const auto& f : made.frames) {
            // As a whole or not at all.
            for (const auto p : f.left)
                CHECK(kept.contains(f.left.front()) == kept.contains(p));
        }
        // A revision that is followed by one which is kept is known to be missing.
        std::map<std::string, std::set<std::uint64_t>> listed;
        for (const auto* list : {&report.streams, &report.removed_of_streams}) {
            for (const auto& s : *list) {
                for (auto r = s.first; r < s.end; r = r.next())
                    listed[s.stream].insert(r.value());
            }
        }
        std::map<std::string, std::vector<std::uint64_t>> missing;
        for (std::uint64_t p = 0; p < made.truth.size(); ++p) {
            const auto& e = made.truth[p];
            if (!kept.contains(p)) {
                missing[e.stream].push_back(e.revision);
                continue;
            }
            for (const auto r : missing[e.stream])
                CHECK(listed[e.stream].contains(r));
            missing[e.stream].clear();
        }
        ++(report.is_complete() ? complete : lossy);
        kept_events += kept.size();
        lost_events += report.lost_events();
        removed_events += report.removed_events();
    }
    CHECK(removed_events > 10'000 / one_in(7));
    CHECK(complete > 50 / static_cast<int>(one_in(7)));
    CHECK(lossy > 500 / static_cast<int>(one_in(7)));
    CHECK(refused < 20);
    std::printf(
        "P22: repaired %d complete, %d not, %d refused; %llu events kept, %llu lost, "
        "%llu removed before, %llu batches without their names\n",
        complete,
        lossy,
        refused,
        static_cast<unsigned long long>(kept_events),
        static_cast<unsigned long long>(lost_events),
        static_cast<unsigned long long>(removed_events),
        static_cast<unsigned long long>(lost_names)
    );
}
