// SPDX-License-Identifier: MIT
#include <everfold/aggregate/stream_table_engine.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/number_slots.hpp>
#include <everfold/store/query.hpp>
#include <everfold/store/stream_rules.hpp>

#include <exception>
#include <functional>
#include <limits>
#include <utility>

namespace everfold::detail {

namespace {

std::uint64_t hash_of(std::string_view stream) noexcept {
    return std::hash<std::string_view>{}(stream);
}

} // namespace

row_numbers::row_numbers()
    : slots_{std::make_unique<log::number_slots>()} {}
row_numbers::row_numbers(row_numbers&&) noexcept = default;
row_numbers& row_numbers::operator=(row_numbers&&) noexcept = default;
row_numbers::~row_numbers() = default;

std::optional<std::uint32_t>
row_numbers::find(std::string_view stream, const void* rows, name_of name) const {
    return slots_->find(hash_of(stream), [&](std::uint32_t n) { return name(rows, n) == stream; });
}

void row_numbers::add(std::string_view stream, std::uint32_t number) {
    slots_->add(hash_of(stream), number);
}

stream_table_engine::stream_table_engine(
    store s, std::string category, const state_functions& functions
)
    : store_{std::move(s)}
    , category_{std::move(category)}
    , functions_{functions} {
    if (category_.empty())
        throw error{errc::invalid, "a table of streams is of a category; this one is empty"};
    // No stream has this pair of names: its own snapshots are those of a stream with a name.
    fold_name_ = category_ + "-* ";
    fold_name_ += functions_.fold_name;
}

void stream_table_engine::start_from_snapshot(void* rows) {
    revision wanted{std::numeric_limits<std::uint64_t>::max()};
    while (auto found = store_.engine().load_snapshot({}, fold_name_, wanted)) {
        bool is_usable =
            found->layout == functions_.layout && found->fold_version == functions_.fold_version;
        try {
            if (is_usable)
                functions_.decode(found->state, rows);
        } catch (const encoding_error&) {
            is_usable = false;
        }
        if (is_usable) {
            next_ = found->log_position.next();
            ++stats_.snapshots_used;
            return;
        }
        ++stats_.snapshots_refused;
        if (found->at == revision{} || found->at > wanted)
            return;
        wanted = revision{found->at.value() - 1};
    }
}

std::optional<event_range> stream_table_engine::unread() {
    end_ = store_.end();
    if (end_ <= next_)
        return {};
    return store_.read(query{}.category(category_).from(next_).to(position{end_.value() - 1}));
}

bool stream_table_engine::save_snapshot(const void* rows) {
    // Where there are rules, a state may hold what they have put out of reach.
    if (next_ == position{} || store_.last_revision(rules_stream))
        return false;
    const position last{next_.value() - 1};
    snapshot taken{
        .fold = fold_name_,
        .at = revision{last.value()},
        .log_position = last,
        .layout = functions_.layout,
        .fold_version = functions_.fold_version};
    functions_.encode(rows, taken.state);
    store_.engine().save_snapshot(taken);
    return true;
}

} // namespace everfold::detail
