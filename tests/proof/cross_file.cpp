// SPDX-License-Identifier: MIT
// T10: files that are missing, empty, of another time, of another log, under another's name, or
// directories; each, and each two.

#include <everfold/base/error.hpp>

#include <proof/proof.hpp>
#include <proof/specimen.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace everfold::proof {

namespace {

enum class fault : std::uint8_t {
    missing,
    empty,
    older,
    foreign, ///< of another log
    misnamed,
    doubled, ///< under another name, too
    directory,
    neighbour, ///< the next file's content
};

constexpr std::array all_faults{
    fault::missing,
    fault::empty,
    fault::older,
    fault::foreign,
    fault::misnamed,
    fault::doubled,
    fault::directory,
    fault::neighbour};

constexpr std::array<const char*, all_faults.size()> words{
    "missing", "empty", "older", "foreign", "misnamed", "doubled", "a directory", "its neighbour"};

struct change {
    std::size_t file{};
    fault what{};
};

/// Another digit in the name, as if a hand had slipped.
std::string beside(const std::string& path) {
    auto out = path;
    const auto at = out.find_last_of("0123456789abcdef");
    if (at == std::string::npos || at < out.rfind('/')) // LOG
        return out + "2";
    out[at] = out[at] == 'a' ? 'b' : 'a';
    return out;
}

class cross_faults {
public:
    cross_faults(run& r, const specimen& s, std::uint32_t variant)
        : run_{r}
        , specimen_{s}
        , foreign_{closed_log(variant + 40)} {
        const auto disk = s.intact->after_kill();
        for (const auto& path : s.files)
            if (const auto before = s.older.find(path); before != s.older.end())
                disk->set_content(path, before->second);
        older_ = answers(disk, open_mode::read_only).second;
    }

    void judge(const std::vector<change>& changes, open_mode mode) {
        run_.judge(
            in_,
            [&] { return fault_after(changes, mode); },
            [&] {
                std::string out = mode == open_mode::existing ? "written:" : "read:";
                for (const auto& c : changes)
                    out += " " + specimen_.files[c.file] + " is " +
                           words.at(static_cast<std::size_t>(c.what)) + ";";
                return out;
            }
        );
    }

private:
    using lines = std::vector<std::string>;

    /// An error's text, or what is read; and whether something was reported.
    static std::pair<std::string, lines>
    answers(const std::shared_ptr<io::simulated_disk>& disk, open_mode mode) {
        try {
            auto s = open("/log", quiet({.mode = mode}), io::simulated_machine(disk, 2));
            return {"", everything(s)};
        } catch (const error& e) {
            return {e.what(), {}};
        }
    }

    /// False where there is nothing to change.
    [[nodiscard]] bool apply(const change& c, const std::shared_ptr<io::simulated_disk>& to) const {
        const auto& path = specimen_.files[c.file];
        const auto content = specimen_.intact->content(path);
        const auto put = [&](const byte_buffer& other) {
            to->set_content(path, other);
            return other != content;
        };
        switch (c.what) {
        case fault::missing:
            to->remove(path);
            return true;
        case fault::empty:
            return put({});
        case fault::older: {
            const auto before = specimen_.older.find(path);
            return before != specimen_.older.end() && put(before->second);
        }
        case fault::foreign:
            for (const auto& p : foreign_->files_below("/log"))
                if (kind_of(p) == kind_of(path))
                    return put(foreign_->content(p));
            return false;
        case fault::misnamed:
            to->rename(path, beside(path));
            return true;
        case fault::doubled:
            to->open(beside(path), io::open_mode::create_new)->write_at(byte_offset{0}, content);
            return true;
        case fault::directory:
            to->remove(path);
            to->make_directory(path);
            return true;
        case fault::neighbour:
            return put(
                specimen_.intact->content(specimen_.files[(c.file + 1) % specimen_.files.size()])
            );
        }
        return false;
    }

    std::string fault_after(const std::vector<change>& changes, open_mode mode) {
        const auto disk = specimen_.intact->after_kill();
        for (const auto& c : changes)
            if (!apply(c, disk))
                return "";
        std::set<std::string> before;
        for (const auto& path : disk->files_below("/log"))
            if (path.find(".ev") != std::string::npos && !disk->content(path).empty())
                before.emplace(as_text(disk->content(path)));
        auto [said, found] = answers(disk, mode);
        if (run_.is_planted() && !said.empty())
            found = {"nothing"};
        for (const auto& path : disk->files_below("/log"))
            before.erase(std::string{as_text(disk->content(path))});
        if (!before.empty() && mode == open_mode::read_only)
            return "a reader has changed or deleted a segment";
        if (!run_.is_planted() && !said.empty())
            return said.find("/log") == std::string::npos ? "an error that names no file: " + said
                                                          : "";
        if (found == specimen_.truth)
            return "";
        // Files that go back together are the log of that time.
        if (found == older_ &&
            std::ranges::all_of(changes, [](const change& c) { return c.what == fault::older; }))
            return "";
        found.back() = specimen_.truth.back(); // a snapshot is derived
        return found == specimen_.truth ? "" : "another answer";
    }

    run& run_;
    const specimen& specimen_;
    std::shared_ptr<io::simulated_disk> foreign_;
    std::vector<std::string> older_{};
    tally& in_{
        run_.line("T10", "each file, and each two, missing, older, foreign, misnamed, swapped")};
};

} // namespace

void prove_cross_file(run& r) {
    const specimen s{0};
    cross_faults faults{r, s, 0};
    std::vector<change> single;
    for (std::size_t file = 0; file < s.files.size(); ++file)
        for (const auto what : all_faults)
            single.push_back({file, what});
    r.steps(single.size(), 1, [&](std::uint64_t i) {
        for (const auto mode : {open_mode::read_only, open_mode::existing})
            faults.judge({single[i]}, mode);
        for (std::size_t k = i + 1; k < single.size(); k += r.share<std::size_t>(7, 1)) {
            if (single[k].file == single[i].file)
                continue;
            for (const auto mode : {open_mode::read_only, open_mode::existing})
                faults.judge({single[i], single[k]}, mode);
        }
    });
}

} // namespace everfold::proof
