// SPDX-License-Identifier: MIT
// T11: a life of a store, made of a seed: writers with conditions, readers, snapshots, archives,
// clocks that jump, failing operations, kills and power cuts, each seed with another choice of
// them. A model says after each step what may be there.

#include <everfold/base/error.hpp>

#include <proof/proof.hpp>
#include <support/stores.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace everfold::proof {

namespace {

using namespace testing;

/// What the model says, where the store says something else.
struct violated {
    std::string what;
};

void require(bool holds, const char* what) {
    if (!holds)
        throw violated{what}; // NOLINT(hicpp-exception-baseclass): ends a case, no program sees it
}

class world {
public:
    world(std::uint64_t seed, bool lies)
        : random_{seed}
        , lies_{lies}
        , clock_{std::make_shared<io::simulated_clock>()} {
        features_ = static_cast<std::uint32_t>(random_());
        constexpr std::array levels{
            durability::commit(),
            durability::commit(),
            durability::interval(std::chrono::milliseconds{40}, 600),
            durability::os(),
            durability::unsafe_none()};
        options_.level = levels.at(below(levels.size()));
        // At unsafe_none nobody is told that a write of what was acknowledged has failed.
        if (has(errors) && options_.level == durability::unsafe_none())
            options_.level = durability::os();
        options_.segment_bytes_max = 4600 + below(4000);
        options_.event_bytes_max = 512;
        options_.batch_bytes_max = 1024;
        options_.compress_sealed = below(5) == 0;
    }

    void live(std::uint64_t steps) {
        restart();
        for (std::uint64_t i = 0; i < steps; ++i) {
            pending_.clear();
            try {
                step();
            } catch (const io::simulated_disk::powered_off&) {
                crash(static_cast<io::power_cut>(below(4)));
            } catch (const error&) {
                kill(); // a process that has met an error is started again
            }
        }
        pending_.clear();
        crash(io::power_cut::lose_all);
        append(); // it is alive
    }

private:
    enum feature : std::uint32_t { cuts, kills, errors, archives, snapshots, readers, clocks };

    std::uint64_t below(std::uint64_t n) { return random_() % n; }

    [[nodiscard]] bool has(feature f) const { return (features_ >> f & 1U) != 0; }

    void step() {
        const auto what = below(40);
        if (what < 18)
            append();
        else if (what < 24)
            compare(lines_of(s_->read()));
        else if (what < 27)
            compare_stream();
        else if (what == 27 && has(cuts))
            disk_->power_off_at(disk_->operation_count() + below(40));
        else if (what == 28 && has(kills))
            kill();
        else if (what == 29 && has(errors))
            fail_soon();
        else if (what == 30 && has(archives) && below(4) == 0)
            s_->engine().archive(stream(), revision{below(10)}, "");
        else if (what < 34 && has(snapshots))
            take_or_load_snapshot();
        else if (what < 37 && has(readers))
            look_from_outside();
        else if (what == 37 && has(clocks))
            clock_->set(timestamp::from_milliseconds(static_cast<std::int64_t>(below(1ULL << 42U)))
            );
        else if (what == 38)
            reopen();
        note_durable();
    }

    void fail_soon() {
        may_have_failed_ = true;
        disk_->fail_at(
            disk_->operation_count() + below(30), below(2) == 0 ? EIO : ENOSPC, below(3) == 0
        );
    }

    std::string stream() { return "s-" + std::to_string(below(4)); }

    [[nodiscard]] std::optional<revision> last(const std::string& of) const {
        const auto found = heads_.find(of);
        return found == heads_.end() ? std::nullopt : std::optional{found->second.back().first};
    }

    void append() {
        const auto to = stream();
        const auto before = last(to);
        const bool is_right = below(4) != 0;
        const auto expected = is_right ? expected_revision::of(before)
                                       : expected_revision::exactly(revision{below(9)});
        const bool holds = expected.holds_for(before);
        std::vector<new_event> events;
        std::vector<std::string> lines;
        auto next = before ? before->value() + 1 : 0;
        for (auto n = 1 + below(3); n > 0; --n) {
            const auto number = static_cast<std::uint32_t>(++number_);
            events.push_back(numbered(number, "counted", {"k:" + std::to_string(number % 3)}));
            lines.push_back(
                std::to_string(all_.size() + lines.size()) + " " + to + "@" +
                std::to_string(next++) + " counted {\"n\":" + std::to_string(number) + "}"
            );
        }
        if (holds)
            pending_ = lines;
        try {
            const auto result = s_->append(to_stream(to, std::move(events), expected));
            require(result.is_appended() == holds, "a condition was judged wrongly");
        } catch (const io_error& e) {
            if (e.is_disk_full())
                pending_.clear(); // it has left nothing behind
            throw;
        }
        pending_.clear();
        if (holds)
            take(lines);
    }

    void take(const std::vector<std::string>& lines) {
        all_.insert(all_.end(), lines.begin(), lines.end());
        boundaries_.insert(all_.size());
        index();
    }

    /// Heads and numbers of all that is there.
    void index() {
        heads_.clear();
        for (std::size_t at = 0; at < all_.size(); ++at) {
            const auto& line = all_[at];
            const auto begin = line.find(' ') + 1;
            const auto sign = line.find('@');
            heads_[line.substr(begin, sign - begin)].emplace_back(
                revision{std::stoull(line.substr(sign + 1))}, at
            );
        }
    }

    void compare(const std::vector<std::string>& found) { require(found == all_, "other events"); }

    void compare_stream() {
        const auto of = stream();
        require(s_->last_revision(of) == last(of), "another last revision");
        const auto found = lines_of(s_->read(query{}.stream(of).backwards()));
        const auto known = heads_.find(of);
        const auto size = known == heads_.end() ? 0 : known->second.size();
        require(found.size() == size, "another number of events in a stream");
        for (std::size_t i = 0; i < size; ++i)
            require(found[i] == all_[known->second[size - 1 - i].second], "another event");
    }

    static byte_buffer state_at(revision at) {
        return number_payload(static_cast<std::uint32_t>(at.value()) + 7);
    }

    void take_or_load_snapshot() {
        const auto of = stream();
        const auto known = heads_.find(of);
        if (known == heads_.end())
            return;
        const auto& [at, where] = known->second.at(below(known->second.size()));
        if (below(2) == 0) {
            s_->engine().save_snapshot({of, "f", at, position{where}, 7, 1, state_at(at)});
            return;
        }
        if (const auto found = s_->engine().load_snapshot(of, "f", at)) {
            require(found->at <= at, "a snapshot of what comes later");
            require(found->state == state_at(found->at), "a snapshot of another state");
        }
    }

    void look_from_outside() {
        auto options = options_;
        options.mode = open_mode::read_only;
        auto reader = open("/log", options, machine());
        const auto found = lines_of(reader.read());
        require(found.size() <= all_.size(), "a reader sees what was not appended");
        require(std::equal(found.begin(), found.end(), all_.begin()), "a reader sees other events");
        seen_ = std::max(seen_, found.size());
    }

    void note_durable() {
        durable_ = std::max(durable_, static_cast<std::size_t>(s_->durable_position().value()));
    }

    io::machine machine() {
        auto out = io::simulated_machine(disk_, ++life_, boot_);
        out.time = clock_;
        return out;
    }

    void reopen() {
        s_->close();
        durable_ = all_.size();
        restart();
    }

    void restart() {
        s_.reset();
        may_have_failed_ = false;
        s_.emplace(open("/log", options_, machine()));
        if (lies_)
            disk_->lie_from(disk_->operation_count());
    }

    void kill() {
        // A sync that fails counts as a power cut.
        const bool is_told =
            options_.level.what() != durability::level::unsafe_none && !may_have_failed_;
        disk_ = disk_->after_kill();
        recover(is_told ? all_.size() : durable_);
    }

    void crash(io::power_cut kind) {
        ++boot_;
        disk_ = disk_->after_power_cut(kind, random_());
        recover(durable_);
    }

    void recover(std::size_t promised) {
        try {
            restart();
        } catch (const error& e) {
            throw violated{std::string{"it does not open: "} + e.what()}; // NOLINT
        }
        const auto found = lines_of(s_->read());
        require(found.size() >= promised, "lost what was promised");
        require(found.size() >= seen_, "lost what a reader has seen");
        auto possible = all_;
        possible.insert(possible.end(), pending_.begin(), pending_.end());
        require(
            found.size() <= possible.size() &&
                std::equal(found.begin(), found.end(), possible.begin()),
            "what is there is no prefix"
        );
        require(
            found.empty() || boundaries_.contains(found.size()) || found.size() == possible.size(),
            "half an append is there"
        );
        all_ = found;
        boundaries_.insert(all_.size());
        boundaries_.erase(boundaries_.upper_bound(all_.size()), boundaries_.end());
        durable_ = all_.size();
        index();
        std::optional<timestamp> before;
        for (const auto& e : s_->read()) {
            require(!before || *before <= e.recorded_at, "recorded time falls");
            before = e.recorded_at;
        }
    }

    std::mt19937_64 random_;
    bool lies_;
    std::uint32_t features_{};
    store_options options_{};
    std::shared_ptr<io::simulated_clock> clock_;
    std::shared_ptr<io::simulated_disk> disk_{std::make_shared<io::simulated_disk>()};
    std::uint64_t boot_{1};
    std::uint64_t life_{};
    std::uint64_t number_{};
    std::optional<store> s_{};
    std::vector<std::string> all_{};
    std::vector<std::string> pending_{};
    std::set<std::size_t> boundaries_{};
    std::map<std::string, std::vector<std::pair<revision, std::size_t>>> heads_{};
    std::size_t durable_{};
    std::size_t seen_{}; // by a reader
    bool may_have_failed_{};
};

} // namespace

void prove_simulation(run& r) {
    auto& in = r.line("T11", "whole lives of a store, with a model: one a seed");
    r.steps(r.share<std::uint64_t>(150, 20'000), 1, [&](std::uint64_t i) {
        r.judge(
            in,
            [&]() -> std::string {
                try {
                    world{r.seed() * 1'000'000 + i, r.is_planted()}.live(60 + i % 60);
                    return {};
                } catch (const violated& v) {
                    return v.what;
                } catch (const error& e) {
                    return std::string{"an error where nothing fails: "} + e.what();
                }
            },
            [&] { return "life " + std::to_string(i); }
        );
    });
}

} // namespace everfold::proof
