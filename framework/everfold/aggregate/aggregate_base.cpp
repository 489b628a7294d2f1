// SPDX-License-Identifier: MIT
#include <everfold/aggregate/aggregate_base.hpp>
#include <everfold/aggregate/describe_exception.hpp>
#include <everfold/base/error.hpp>

#include <chrono>
#include <utility>

namespace everfold::detail {

timestamp aggregate_base::now() const {
    return clock_ != nullptr ? clock_->now() : timestamp{std::chrono::system_clock::now()};
}

event_info aggregate_base::stage(new_event e, timestamp occurred_at) {
    if (is_torn_)
        throw error{
            errc::invalid,
            "an earlier apply() of this aggregate threw, so that its state can't be trusted: load "
            "it again"};
    e.occurred_at = occurred_at;
    const auto first = last_revision_ ? last_revision_->next() : revision{};
    const auto& staged = uncommitted_.emplace_back(std::move(e));
    return {
        .stream = stream_,
        .stream_revision = first.advanced(uncommitted_.size() - 1),
        .type = staged.type,
        .version = staged.version,
        .occurred_at = occurred_at,
        .metadata = staged.metadata};
}

void aggregate_base::fail_to_apply() {
    is_torn_ = true;
    const auto original = std::current_exception();
    const auto failed = std::move(uncommitted_.back());
    uncommitted_.pop_back();
    const auto first = last_revision_ ? last_revision_->next() : revision{};
    throw replay_error{
        stream_,
        first.advanced(uncommitted_.size()),
        failed.type,
        std::nullopt,
        original,
        describe_exception(original)};
}

} // namespace everfold::detail
