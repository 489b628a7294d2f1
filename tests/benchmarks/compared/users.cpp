// SPDX-License-Identifier: MIT
#include "users.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace everfold::benchmarks {

std::string stream_of(std::uint32_t user) {
    return "user-" + std::to_string(user);
}

new_event typed(const user_event& e) {
    const auto make = [&]() -> new_event {
        const auto id = std::int64_t{e.user};
        const bool is_null = (e.fields & email_is_null) != 0;
        switch (e.what) {
        case kind::created: {
            user_created out{.user_id = id, .name = std::string{e.name}};
            if (!is_null)
                out.email = std::string{e.email};
            return encoded(out);
        }
        case kind::updated: {
            user_updated out{.user_id = id};
            if ((e.fields & has_name) != 0)
                out.name = std::string{e.name};
            if (is_null)
                out.email = nullptr;
            else if ((e.fields & has_email) != 0)
                out.email = std::string{e.email};
            if ((e.fields & has_phone) != 0)
                out.phone = std::string{e.phone};
            return encoded(out);
        }
        case kind::deleted:
            break;
        }
        return encoded(user_deleted{.user_id = id});
    };
    auto out = make();
    out.occurred_at = timestamp::from_milliseconds(static_cast<std::int64_t>(e.at_ms));
    return out;
}

append_plan::append_plan(std::span<const user_event> events, std::size_t size, shape how)
    : how_{how} {
    places_.reserve(events.size());
    std::unordered_map<std::uint32_t, std::uint32_t> slots;
    for (std::size_t i = 0; i < events.size();) {
        slots.clear();
        const auto end = std::min(events.size(), i + size);
        batch b{.first = i, .end = end};
        for (; i < end; ++i) {
            const auto key = how == shape::one_stream ? 0 : events[i].user;
            const auto [found, is_new] = slots.try_emplace(key, b.slots);
            b.slots += is_new ? 1U : 0U;
            places_.push_back({&events[i], found->second});
        }
        batches_.push_back(b);
    }
}

void append_plan::run(store& to) const {
    for (const auto& b : batches_) {
        append_request request;
        request.streams.resize(b.slots);
        for (auto i = b.first; i < b.end; ++i) {
            auto& stream = request.streams[places_[i].slot];
            if (stream.stream.empty())
                stream.stream =
                    how_ == shape::one_stream ? "users" : stream_of(places_[i].event->user);
            stream.events.push_back(typed(*places_[i].event));
        }
        to.append(request).value();
    }
}

std::string log_of(const workload& w, const std::string& data, shape how, std::size_t batch) {
    const auto path = data + (how == shape::one_stream ? "/everfold-one-" : "/everfold-") +
                      std::to_string(w.events().size()) + "-by-" + std::to_string(batch);
    if (std::filesystem::exists(path))
        return path;
    const auto unfinished = path + ".unfinished";
    std::filesystem::remove_all(unfinished);
    // Archiving is measured apart.
    auto to = open(unfinished, {.compress_sealed = false, .level = durability::os()});
    append_plan{w.events(), batch, how}.run(to);
    to.close();
    std::filesystem::rename(unfinished, path);
    return path;
}

std::string digest_of(store& from, position first) {
    folder<user_book> fold;
    user_book book;
    for (const auto& e : from.read(query{}.from(first)))
        fold.apply(book, e);
    return digest_of(book);
}

} // namespace everfold::benchmarks
