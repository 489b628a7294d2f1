// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/json.hpp>
#include <everfold/store/context.hpp>

namespace everfold {

namespace {

// Not shared by threads, and empty outside of scopes.
thread_local const detail::context_scope* innermost = nullptr;

void fill(new_event& event, const nlohmann::ordered_json& metadata) {
    for (const auto* scope = innermost; scope != nullptr; scope = scope->outer) {
        // The two belong together: an event that says one of them is not given the other's scope.
        if (scope->causation_id.is_nil())
            continue;
        if (event.causation_id.is_nil() && event.correlation_id.is_nil()) {
            event.causation_id = scope->causation_id;
            event.correlation_id = scope->correlation_id;
        }
        break;
    }
    if (metadata.empty())
        return;
    auto all =
        event.metadata.empty() ? nlohmann::ordered_json::object() : json_from_cbor(event.metadata);
    for (const auto& [key, value] : metadata.items()) {
        if (!all.contains(key))
            all[key] = value;
    }
    event.metadata.clear();
    cbor_from_json(all, event.metadata);
}

} // namespace

namespace detail {

context_scope::context_scope()
    : outer{innermost} {
    innermost = this;
}

context_scope::~context_scope() {
    check(innermost == this, "scopes of a thread end on it, in reverse order");
    innermost = outer;
}

without_context::without_context()
    : paused_{innermost} {
    innermost = nullptr;
}

without_context::~without_context() {
    innermost = paused_;
}

std::optional<append_request> in_context(const append_request& request) {
    if (innermost == nullptr)
        return {};
    auto metadata = nlohmann::ordered_json::object();
    for (const auto* scope = innermost; scope != nullptr; scope = scope->outer) {
        for (const auto& [key, value] : scope->metadata) {
            if (!metadata.contains(key))
                metadata[key] = value;
        }
    }
    auto out = request;
    for (auto& to : out.streams) {
        for (auto& event : to.events)
            fill(event, metadata);
    }
    return out;
}

} // namespace detail

with_metadata::with_metadata(detail::context_scope::pairs metadata) {
    for (const auto& [key, value] : metadata)
        scope_.metadata.emplace_back(key, value);
}

handling::handling(const recorded_event& cause) {
    scope_.causation_id = cause.id;
    scope_.correlation_id = cause.correlation_id.is_nil() ? cause.id : cause.correlation_id;
}

} // namespace everfold
