// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/store/append.hpp>

namespace everfold {

namespace {

std::string last_in_words(std::optional<revision> last) {
    return last ? "revision " + std::to_string(last->value()) : "no stream";
}

std::string found_at(std::optional<position> p) {
    return p ? "one at position " + std::to_string(p->value()) : "one";
}

std::string in_words(const query_item& item) {
    std::string out;
    const auto add = [&](std::string_view what, const std::string& name) {
        if (!out.empty())
            out += ", ";
        out += what;
        out += printable(name);
    };
    for (const auto& type : item.types) {
        if (out.empty())
            add("type ", type);
        else
            out += " or " + printable(type);
    }
    for (const auto& tag : item.tags)
        add("tag ", tag);
    if (item.stream)
        add("stream ", *item.stream);
    if (item.category)
        add("category ", *item.category);
    return out.empty() ? "anything" : out;
}

} // namespace

std::string expected_revision::to_string() const {
    switch (kind_) {
    case kind::any:
        return "anything";
    case kind::no_stream:
        return "no stream";
    case kind::exists:
        return "an existing stream";
    case kind::exact:
        return "revision " + std::to_string(exact_.value());
    }
    return {};
}

std::string no_event_matching::to_string() const {
    std::string out = "no event";
    std::string_view before = " matching ";
    for (const auto& item : matching.items()) {
        out += before;
        out += in_words(item);
        before = ", or ";
    }
    return out + (after ? " after position " + std::to_string(after->value()) : "");
}

std::string append_conflict::to_string() const {
    if (unmet)
        return "expected " + unmet->to_string() + ", found " + found_at(found);
    return "stream '" + printable(stream) + "': expected " + expected.to_string() + ", found " +
           last_in_words(actual);
}

void append_conflict::raise() const {
    if (unmet)
        throw conflict{unmet->to_string(), found_at(found)};
    throw conflict{stream, expected.to_string(), last_in_words(actual)};
}

const appended& append_result::value() const {
    if (const auto* c = conflict_or_null())
        c->raise();
    return std::get<appended>(value_);
}

} // namespace everfold
