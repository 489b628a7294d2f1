// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/projection/subscription.hpp>
#include <everfold/store/context.hpp>

#include <algorithm>

namespace everfold {

namespace {

// How long a wish to stop may have to wait for a store at rest.
constexpr std::chrono::milliseconds moment{20};
// Longer than any period of level interval.
constexpr std::chrono::hours for_ever{24 * 365};
// Passing over events of others again costs little; saving after each of them would cost a sync.
constexpr std::uint64_t passed_over_max = 10'000;

void require_sensible(const query& wanted, const subscription_options& options) {
    constexpr query::bounds any;
    if (wanted.within().is_backwards)
        throw error{errc::invalid, "a subscription does not go backwards"};
    if (wanted.within().limit != any.limit)
        throw error{errc::invalid, "a subscription has no limit: it ends when it is stopped"};
    if (options.save_every == 0)
        throw error{errc::invalid, "a checkpoint can't be saved after every 0 events"};
}

/// A mark that is up while slots run.
class mark_while_handling {
public:
    explicit mark_while_handling(bool& mark)
        : mark_{mark} {
        mark_ = true;
    }
    mark_while_handling(const mark_while_handling&) = delete;
    mark_while_handling& operator=(const mark_while_handling&) = delete;
    ~mark_while_handling() { mark_ = false; }

private:
    bool& mark_;
};

} // namespace

subscription::subscription(
    store s, checkpoint_file kept, query wanted, const subscription_options& options
)
    : store_{std::move(s)}
    , kept_{std::move(kept)}
    , wanted_{std::move(wanted)}
    , save_every_{options.save_every} {
    require_sensible(wanted_, options);
    const auto before = kept_->load();
    if (!before)
        return;
    try {
        go_on_from(*before);
    } catch (error& e) {
        e.add("going on from the checkpoint in '" + printable(kept_->path()) + "'");
        throw;
    }
}

subscription::subscription(store s, const std::optional<everfold::checkpoint>& from, query wanted)
    : store_{std::move(s)}
    , wanted_{std::move(wanted)} {
    require_sensible(wanted_, {});
    if (from)
        go_on_from(*from);
}

void subscription::go_on_from(const everfold::checkpoint& c) {
    store_.confirm(c);
    next_ = saved_ = c.next;
}

subscription& subscription::add(std::string type, any_slot slot) {
    check(slot != nullptr, "a slot can be called");
    handlers_.push_back({std::move(type), std::move(slot)});
    return *this;
}

std::uint64_t subscription::catch_up() {
    const auto count = deliver(durable_end(for_ever), {});
    save();
    return count;
}

std::uint64_t subscription::follow(const std::stop_token& stop) {
    std::uint64_t count = 0;
    while (!stop.stop_requested()) {
        if (!store_.wait_for(next_, moment))
            continue;
        count += deliver(durable_end(moment), stop);
        if (unsaved_ > 0 || next_ - saved_ >= passed_over_max)
            save();
    }
    save();
    return count;
}

position subscription::durable_end(std::chrono::milliseconds patience) {
    const auto end = store_.end();
    // What is delivered must not be taken back by a power cut, or the checkpoint is ahead.
    if (store_.durable_position() < end &&
        !store_.wait_durable(everfold::position{end.value() - 1}, patience))
        return std::min(end, store_.durable_position());
    return end;
}

std::uint64_t subscription::deliver(everfold::position end, const std::stop_token& stop) {
    if (is_handling_)
        throw error{errc::invalid, "a subscription can't be run by one of its own slots"};
    std::uint64_t count = 0;
    try {
        deliver_from(end, stop, count);
    } catch (...) {
        try {
            save();
        } catch (...) { // NOLINT(bugprone-empty-catch): the first failure is the one to know
        }
        throw;
    }
    return count;
}

void subscription::deliver_from(
    everfold::position end, const std::stop_token& stop, std::uint64_t& count
) {
    const auto from = std::max(next_, wanted_.within().from);
    if (next_ >= end)
        return;
    const auto last = std::min(everfold::position{end.value() - 1}, wanted_.within().to);
    if (from <= last) {
        // Past the store's own read(): that a stream has ended is no failure of who follows it.
        event_range events{store_.engine().read(query{wanted_}.from(from).to(last))};
        for (const auto& e : events) {
            if (stop.stop_requested())
                return;
            handle(e);
            ++count;
            if (++unsaved_ >= save_every_)
                save();
        }
    }
    next_ = end;
}

void subscription::handle(const recorded_event& e) {
    next_ = e.log_position; // the query passed over what is in front of it
    {
        const mark_while_handling mark{is_handling_};
        const handling cause{e};
        const auto count = handlers_.size();
        for (std::size_t i = 0; i < count; ++i) {
            if (handlers_[i].type.empty() || handlers_[i].type == e.type)
                handlers_[i].slot(e);
        }
    }
    next_ = e.log_position.next();
}

void subscription::save() {
    if (kept_ && next_ != saved_) {
        kept_->save(store_.checkpoint_at(next_));
        saved_ = next_;
    }
    unsaved_ = 0;
}

} // namespace everfold
