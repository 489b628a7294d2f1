// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/store/store.hpp>

#include <algorithm>
#include <unordered_map>

namespace everfold {

event_cursor::~event_cursor() = default;

event_batch event_cursor::next_batch() {
    const auto* event = next();
    return event == nullptr ? event_batch{} : event_batch{.events = {event, 1}};
}

std::optional<append_place> event_cursor::append_of_last() const {
    return {};
}

store_engine::~store_engine() = default;

std::vector<stored_type> store_engine::types() {
    std::vector<stored_type> out;
    std::vector<bool> is_known; // by type number
    const auto all = read({});
    while (const auto* e = all->next()) {
        if (e->type_number >= is_known.size())
            is_known.resize(std::size_t{e->type_number} + 1);
        if (!is_known[e->type_number])
            out.push_back({std::string{e->type}, e->version});
        is_known[e->type_number] = true;
    }
    return out;
}

store::store(std::shared_ptr<store_engine> engine)
    : engine_{std::move(engine)} {
    check(engine_ != nullptr, "a store has an engine");
}

std::vector<category_info> store::categories() {
    std::vector<category_info> out;
    std::unordered_map<std::string, std::size_t> places;
    for (const auto& stream : list_streams()) {
        if (stream.events == 0)
            continue;
        const auto [place, is_new] = places.try_emplace(stream.category, out.size());
        if (is_new)
            out.push_back({.name = stream.category});
        auto& category = out[place->second];
        ++category.streams;
        category.events += stream.events;
    }
    return out;
}

void store::require_no_end(const query& q) {
    const auto& items = q.items();
    if (items.empty() || !items.front().stream)
        return;
    const auto& name = items.front().stream;
    if (!std::ranges::all_of(items, [&](const query_item& item) { return item.stream == name; }))
        return;
    if (auto end = engine_->end_of(*name))
        throw stream_ended{*name, std::move(*end)};
}

} // namespace everfold
