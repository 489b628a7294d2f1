// SPDX-License-Identifier: MIT
// T07, T08, T09: every bit of every file of a closed log flipped, every byte and sector replaced,
// every length cut to and bytes added. An error, a report, or the identical answers; never other
// ones.

#include <proof/proof.hpp>
#include <proof/specimen.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace everfold::proof {

namespace {

using namespace testing;

constexpr std::size_t sector = 512;

class damages {
public:
    explicit damages(run& r)
        : run_{r} {}

    /// Whatever begins in one sector of one file.
    void in(const specimen& s, const std::string& path, std::size_t begin) {
        const auto content = s.intact->content(path);
        const auto end = std::min(begin + sector, content.size());
        const auto stride = run_.share<std::size_t>(16, 1);
        std::mt19937_64 random{run_.seed() + begin};
        for (auto at = begin; at < end; at += stride) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                // A writer takes the same way as a reader: one bit of each byte.
                const auto mode = bit == at % 8 ? open_mode::existing : open_mode::read_only;
                if (run_.share(bit != at / 16 % 8, false))
                    continue;
                judge(flips_, s, path, mode, "bit " + std::to_string(at * 8 + bit), [&] {
                    auto changed = content;
                    changed[at] ^= static_cast<std::byte>(1U << bit);
                    return changed;
                });
            }
            for (const auto value : {0U, 255U, static_cast<unsigned>(random() % 256)})
                judge(
                    bytes_,
                    s,
                    path,
                    open_mode::read_only,
                    "byte " + std::to_string(at) + " is " + std::to_string(value),
                    [&] {
                        auto changed = content;
                        changed[at] = static_cast<std::byte>(value);
                        return changed;
                    }
                );
            const auto mode = at % 2 == 0 ? open_mode::existing : open_mode::read_only;
            judge(cuts_, s, path, mode, "cut to " + std::to_string(at), [&] {
                return byte_buffer(
                    content.begin(), content.begin() + static_cast<std::ptrdiff_t>(at)
                );
            });
        }
        replace(s, path, content, begin, end);
        if (begin == 0)
            extend(s, path, content);
    }

    void print_harmless() const {
        for (const auto& [kind, count] : harmless_)
            std::printf(
                "harmless: %-9s %llu of %llu\n",
                kind.c_str(),
                static_cast<unsigned long long>(count.first),
                static_cast<unsigned long long>(count.second)
            );
    }

private:
    template <class Change>
    void judge(
        tally& in,
        const specimen& s,
        const std::string& path,
        open_mode mode,
        const std::string& what,
        const Change& change
    ) {
        auto changed = change();
        if (changed == s.intact->content(path))
            return; // no damage
        run_.judge(
            in,
            [&]() -> std::string {
                const auto disk = s.intact->after_kill();
                disk->set_content(path, std::move(changed));
                auto found = outcome_of(disk, mode, s.truth);
                if (run_.is_planted() && found == outcome::error)
                    found = outcome::wrong; // as if what can't be read were not there
                auto& [identical, all] = harmless_[kind_of(path)];
                ++all;
                identical += found == outcome::identical ? 1U : 0U;
                if (found == outcome::wrong)
                    return "another answer";
                return found == outcome::silent ? "a snapshot is gone, and nothing says so" : "";
            },
            [&] { return "file=" + path + ", " + what; }
        );
    }

    void replace(
        const specimen& s,
        const std::string& path,
        const byte_buffer& content,
        std::size_t begin,
        std::size_t end
    ) {
        const auto put = [&](bytes_view from) {
            auto changed = content;
            std::copy_n(
                from.begin(),
                std::min(from.size(), end - begin),
                changed.begin() + static_cast<std::ptrdiff_t>(begin)
            );
            return changed;
        };
        const bytes_view all{content};
        const auto sectors = content.size() / sector;
        std::mt19937_64 random{run_.seed() * 77 + begin};
        for (const std::size_t size : {sector, std::size_t{4096}}) {
            const auto last = std::min(begin + size, content.size());
            judge(bytes_, s, path, open_mode::existing, "sector zeroed", [&] {
                auto changed = content;
                std::fill(
                    changed.begin() + static_cast<std::ptrdiff_t>(begin),
                    changed.begin() + static_cast<std::ptrdiff_t>(last),
                    std::byte{0}
                );
                return changed;
            });
            judge(bytes_, s, path, open_mode::existing, "sector garbled", [&] {
                auto changed = content;
                for (auto at = begin; at < last; ++at)
                    changed[at] = static_cast<std::byte>(random() >> 56U);
                return changed;
            });
        }
        for (std::size_t k = 0; k < sectors; ++k) {
            const auto other = all.subspan(k * sector, sector);
            const auto number = std::to_string(begin / sector) + " is sector " + std::to_string(k);
            judge(bytes_, s, path, open_mode::read_only, "sector " + number, [&] {
                return put(other);
            });
            judge(bytes_, s, path, open_mode::read_only, "swapped, sector " + number, [&] {
                auto changed = put(other);
                std::copy_n(
                    content.begin() + static_cast<std::ptrdiff_t>(begin),
                    std::min(sector, end - begin),
                    changed.begin() + static_cast<std::ptrdiff_t>(k * sector)
                );
                return changed;
            });
        }
        const auto before = s.older.find(path);
        if (before != s.older.end() && before->second.size() > begin)
            judge(bytes_, s, path, open_mode::read_only, "sector of an older copy", [&] {
                return put(bytes_view{before->second}.subspan(begin));
            });
    }

    void extend(const specimen& s, const std::string& path, const byte_buffer& content) {
        std::mt19937_64 random{run_.seed()};
        const auto other = closed_log(99);
        const auto of_kind = [&] {
            for (const auto& p : other->files_below("/log"))
                if (kind_of(p) == kind_of(path))
                    return other->content(p);
            return content;
        }();
        for (std::size_t size = 1; size < 5000; size += size / run_.share(1U, 4U) + 1) {
            const auto by = [&](const char* what, const auto& next) {
                const auto words = std::to_string(size) + " more bytes, " + what;
                judge(cuts_, s, path, open_mode::existing, words, [&] {
                    auto changed = content;
                    changed.reserve(content.size() + size);
                    for (std::size_t i = 0; i < size; ++i)
                        changed.push_back(next(i));
                    return changed;
                });
            };
            by("zeros", [](std::size_t) { return std::byte{0}; });
            by("garbage", [&](std::size_t) { return static_cast<std::byte>(random() >> 56U); });
            by("its own", [&](std::size_t i) { return content[i % content.size()]; });
            by("of another log", [&](std::size_t i) { return of_kind[i % of_kind.size()]; });
        }
    }

    run& run_;
    tally& flips_{run_.line("T07", "every bit of every file flipped")};
    tally& bytes_{run_.line("T08", "every byte replaced; sectors zeroed, garbled, swapped, older")};
    tally& cuts_{run_.line("T09", "every file cut at every byte, and extended")};
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> harmless_{};
};

} // namespace

void prove_damage(run& r) {
    damages d{r};
    const auto variants = r.share<std::uint32_t>(1, 20);
    for (std::uint32_t variant = 0; variant < variants && !r.is_done(); ++variant) {
        const specimen s{variant};
        std::vector<std::pair<const std::string*, std::size_t>> places;
        for (const auto& path : s.files)
            for (std::size_t at = 0; at < s.intact->content(path).size(); at += sector)
                places.emplace_back(&path, at);
        r.steps(places.size(), 1, [&](std::uint64_t i) {
            d.in(s, *places[i].first, places[i].second);
        });
    }
    if (!r.is_planted())
        d.print_harmless();
}

} // namespace everfold::proof
