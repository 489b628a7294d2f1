// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/store/repeated_append.hpp>

#include <algorithm>

namespace everfold {

namespace {

bool is_same(const log::draft& wanted, const log::log_event& found, const log::type_name& type) {
    const auto& record = found.record;
    const auto& index = *found.in->index;
    if (wanted.stream != found.stream || wanted.type != type.name ||
        wanted.version != type.version || wanted.tags.size() != record.tag_count() ||
        !std::ranges::equal(wanted.payload, record.payload) ||
        !std::ranges::equal(wanted.metadata, record.metadata) ||
        wanted.correlation_id != record.correlation_id ||
        wanted.causation_id != record.causation_id ||
        (!wanted.id.is_nil() && wanted.id != record.id) ||
        (wanted.occurred_at && *wanted.occurred_at != record.occurred_at))
        return false;
    for (std::size_t i = 0; i < wanted.tags.size(); ++i) {
        if (wanted.tags[i] != index.tag(index.tag_number(record.tag(i))))
            return false;
    }
    return true;
}

[[noreturn]] void refuse(const uuid& id, const char* why) {
    throw error{
        errc::invalid,
        "the append id " + id.to_string() + " was used before, and " + why +
            "; nothing was appended now. Give each append an id of its own, and repeat it "
            "unchanged"};
}

} // namespace

appended answer_again(
    const log::log_index& index,
    const log::found_append& before,
    const append_request& request,
    std::span<const log::draft> events
) {
    if (before.count != events.size())
        refuse(before.id, "for another number of events");
    appended out{before.first, before.first.advanced(before.count - 1), {}};
    log::selection batch{.from = out.first, .to = out.last};
    batch.items.emplace_back();
    log::log_cursor cursor{index, std::move(batch)};
    std::size_t end = 0;
    std::size_t at = 0;
    for (const auto& to : request.streams) {
        end += to.events.size();
        for (; at < end; ++at) {
            const auto* found = cursor.next();
            if (found == nullptr || found->at != out.first.advanced(at))
                refuse(before.id, "its events have been removed since");
            if (!is_same(events[at], *found, index.type(found->type)))
                refuse(before.id, "for other events");
            if (at + 1 == end)
                out.last_revisions.push_back(found->stream_revision);
        }
    }
    return out;
}

std::optional<log::found_append>
find_behind_expectation(const log::log_index& index, const append_request& request) {
    for (const auto& to : request.streams) {
        const auto kind = to.expected.what();
        if (kind != expected_revision::kind::exact && kind != expected_revision::kind::no_stream)
            continue;
        const revision next{
            kind == expected_revision::kind::exact ? to.expected.exact().value() + 1 : 0};
        const auto at = index.position_of(to.stream, next);
        if (!at)
            continue;
        const auto batch = index.append_of(*at);
        if (batch.id == request.append_id)
            return batch;
    }
    return {};
}

std::optional<log::found_append> find_behind_conflict(
    const log::log_index& index, const append_request& request, const append_conflict& lost
) {
    if (const auto before = find_behind_expectation(index, request))
        return before;
    // The first event that matches is the append's own, where its own match: before it there was
    // none, or it would not have been made.
    if (!lost.found || *lost.found >= index.end() || !index.chain_at(*lost.found))
        return {};
    const auto batch = index.append_of(*lost.found);
    return batch.id == request.append_id ? std::optional{batch} : std::nullopt;
}

} // namespace everfold
