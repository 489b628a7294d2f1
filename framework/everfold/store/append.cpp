// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/store/append.hpp>

namespace everfold {

namespace {

std::string found(std::optional<revision> last) {
    return last ? "revision " + std::to_string(last->value()) : "no stream";
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

std::string append_conflict::to_string() const {
    return "stream '" + printable(stream) + "': expected " + expected.to_string() + ", found " +
           found(actual);
}

const appended& append_result::value() const {
    if (const auto* c = conflict_or_null())
        throw conflict{c->stream, c->expected.to_string(), found(c->actual)};
    return std::get<appended>(value_);
}

} // namespace everfold
