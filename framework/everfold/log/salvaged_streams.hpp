// SPDX-License-Identifier: MIT
#pragma once
// What a repair keeps of each stream, told from what it does not find.

#include <everfold/base/findings.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace everfold::log {

/// The revisions of each stream that are kept, and the gaps between them.
class salvaged_streams {
public:
    /// A kept event. The segment that begins at `segment` counts the stream from revision `base`.
    void
    keep(const std::string& stream, position segment, std::uint64_t base, position at, revision r);

    /// An index names these revisions, though the events are lost.
    void lose(const std::string& stream, revision first, revision end);

    /// A segment says that the stream's revisions before `base` were written.
    void name(std::string_view stream, std::uint64_t base);

    /// Of what is lost at these positions, every revision was told.
    void know(position_range positions) { known_.push_back(positions); }

    /// How many of the stream's revisions before `r` are kept: the revision that `r` becomes. Of
    /// what is still to be appended, all.
    [[nodiscard]] std::uint64_t kept_before(std::string_view stream, std::uint64_t r) const;

    /// One past the last revision that is known to have been written.
    [[nodiscard]] std::uint64_t end(std::string_view stream) const;

    /// Fills in the revisions that are lost, and those that were removed on purpose, by the
    /// positions in `report`.
    void tell(repair_report& report) const;

private:
    using range = std::pair<std::uint64_t, std::uint64_t>;

    /// Revisions that were written between two positions.
    struct gap {
        range revisions{};
        position_range between{};
    };

    struct stream_state {
        std::uint64_t next{}; // revision, behind the last kept event or where a segment begins
        position behind{};    // that
        std::uint64_t missing{};
        std::uint64_t named{};
        std::vector<gap> gaps{};
        std::vector<range> lost{};
    };

    static void skip_to(stream_state& s, std::uint64_t revision, position at);
    [[nodiscard]] bool has_unknown_loss(const repair_report& report, position_range between) const;

    std::map<std::string, stream_state, std::less<>> streams_{};
    std::vector<position_range> known_{};
};

} // namespace everfold::log
