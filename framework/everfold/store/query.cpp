// SPDX-License-Identifier: MIT
#include <everfold/store/query.hpp>

namespace everfold {

query& query::stream(std::string name) & {
    items_.back().stream = std::move(name);
    return *this;
}

query& query::category(std::string name) & {
    items_.back().category = std::move(name);
    return *this;
}

query& query::type(std::string name) & {
    items_.back().types.push_back(std::move(name));
    return *this;
}

query& query::tag(std::string text) & {
    items_.back().tags.push_back(std::move(text));
    return *this;
}

query& query::tag(std::string_view key, std::string_view value) & {
    std::string text{key};
    text += ':';
    text += value;
    return tag(std::move(text));
}

query& query::from(position p) & {
    within_.from = p;
    return *this;
}

query& query::to(position p) & {
    within_.to = p;
    return *this;
}

query& query::from_revision(revision r) & {
    within_.from_revision = r;
    return *this;
}

query& query::to_revision(revision r) & {
    within_.to_revision = r;
    return *this;
}

query& query::since(timestamp t) & {
    within_.since = t;
    return *this;
}

query& query::until(timestamp t) & {
    within_.until = t;
    return *this;
}

query& query::backwards() & {
    within_.is_backwards = true;
    return *this;
}

query& query::limit(std::uint64_t count) & {
    within_.limit = count;
    return *this;
}

query operator|(query a, const query& b) {
    a.items_.insert(a.items_.end(), b.items_.begin(), b.items_.end());
    return a;
}

std::string_view category_of(std::string_view stream) noexcept {
    return stream.substr(0, stream.find('-'));
}

} // namespace everfold
