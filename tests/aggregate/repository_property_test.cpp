// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include <everfold/aggregate/repository.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

using everfold::as_of;
using everfold::repository;
using everfold::revision;

namespace {

using entries = std::map<std::string, std::int64_t>;

/// A repository and beside it what must come out of it: the entries after each event of each
/// stream.
template <class Place>
class run {
public:
    explicit run(std::uint32_t seed)
        : random_{seed} {
        reopen();
    }

    void step() {
        const auto stream = "book-" + std::to_string(below(3));
        CAPTURE(stream);
        switch (below(24)) {
        case 0:
            reopen();
            break;
        case 1:
            books_->snapshot(stream);
            break;
        case 2:
            if (!history_[stream].empty())
                CHECK(books_->compact(stream).events_covered == history_[stream].size());
            break;
        case 3:
            books_->forget(stream);
            break;
        case 4:
            look_back(stream);
            break;
        case 5:
            save_a_copy(stream);
            break;
        case 6:
            append_from_outside(stream);
            break;
        case 7:
            refuse_late(stream);
            break;
        default:
            decide(stream);
        }
        CHECK(books_->load(stream).state().entries == now(stream));
    }

    void check_everything() {
        for (const auto& [stream, states] : history_) {
            CAPTURE(stream);
            CHECK(books_->load(stream).state().changes == states.size());
            CHECK(books_->load(stream).state() == books_->replay(stream).state());
            for (std::uint64_t r = 0; r < states.size(); ++r)
                CHECK(books_->load(stream, as_of{revision{r}}).state().entries == states[r]);
        }
    }

private:
    std::uint32_t below(std::uint32_t limit) {
        return std::uniform_int_distribution<std::uint32_t>{0, limit - 1}(random_);
    }

    std::string key() { return "k" + std::to_string(below(8)); }

    entries now(const std::string& stream) {
        const auto& states = history_[stream];
        return states.empty() ? entries{} : states.back();
    }

    void reopen() {
        books_.reset();
        auto& store = here_.reopen();
        auto options = everfold::repository_options{.kept_max = 1 + below(3)};
        if (below(2) == 0)
            options.snapshots = everfold::snapshot_policy::every(1 + below(20));
        books_ = std::make_unique<repository<ledger_book>>(store, options);
    }

    /// A few commands on the aggregate and the same on the model; some are refused by both.
    std::vector<entries> command(ledger_book& b, entries model) {
        std::vector<entries> states;
        for (auto count = below(4); count != 0; --count) {
            const auto k = key();
            const auto v = static_cast<std::int64_t>(below(1000));
            switch (below(8)) {
            case 0:
                b.clear();
                model.clear();
                break;
            case 1:
            case 2:
                if (model.contains(k)) {
                    b.remove(k);
                    model.erase(k);
                } else {
                    CHECK_THROWS_AS(b.remove(k), refused);
                    continue;
                }
                break;
            default:
                b.set(k, v);
                model[k] = v;
            }
            states.push_back(model);
        }
        return states;
    }

    void remember(const std::string& stream, const std::vector<entries>& states) {
        auto& all = history_[stream];
        all.insert(all.end(), states.begin(), states.end());
    }

    void decide(const std::string& stream) {
        remember(stream, books_->update(stream, [&](ledger_book& b) {
            return command(b, now(stream));
        }));
    }

    void save_a_copy(const std::string& stream) {
        auto book = books_->load(stream);
        const auto states = command(book, now(stream));
        CHECK(books_->save(book).has_value() == !states.empty());
        CHECK(book.uncommitted().empty());
        remember(stream, states);
    }

    void append_from_outside(const std::string& stream) {
        auto other = repository<ledger_book>{here_.store()};
        remember(stream, other.update(stream, [&](ledger_book& b) {
            return command(b, now(stream));
        }));
    }

    void refuse_late(const std::string& stream) {
        CHECK_THROWS_AS(
            books_->update(
                stream,
                [&](ledger_book& b) {
                    command(b, now(stream));
                    throw refused{"after all"};
                }
            ),
            refused
        );
    }

    void look_back(const std::string& stream) {
        const auto& states = history_[stream];
        if (states.empty())
            return;
        const auto r = below(static_cast<std::uint32_t>(states.size()));
        const auto then = books_->load(stream, as_of{revision{r}});
        CHECK(then.state().entries == states[r]);
        CHECK(then.state().changes == r + 1);
    }

    Place here_{};
    std::mt19937 random_;
    std::unique_ptr<repository<ledger_book>> books_{};
    std::map<std::string, std::vector<entries>> history_{};
};

} // namespace

TEST_CASE_TEMPLATE(
    "whatever is done to it, a repository holds what a map would", Place, in_memory, in_a_directory
) {
    const std::uint32_t seeds = Place::is_in_memory ? 30 : 8;
    for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        run<Place> r{seed};
        for (int step = 0; step < 150; ++step) {
            CAPTURE(step);
            r.step();
        }
        r.check_everything();
    }
}
