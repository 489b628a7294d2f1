// SPDX-License-Identifier: MIT
#pragma once
// What appends of this thread carry without being told: who, why, on whose behalf.
// docs/decisions/0013-ambient-metadata.md.

#include <everfold/base/uuid.hpp>
#include <everfold/store/append.hpp>
#include <everfold/store/recorded_event.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace everfold {

namespace detail {

/// One scope of a thread, in a list that ends with the outermost.
struct context_scope {
    using pairs = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    context_scope();
    context_scope(const context_scope&) = delete;
    context_scope& operator=(const context_scope&) = delete;
    context_scope(context_scope&&) = delete;
    context_scope& operator=(context_scope&&) = delete;
    ~context_scope();

    const context_scope* outer;
    std::vector<std::pair<std::string, std::string>> metadata{};
    uuid correlation_id{};
    uuid causation_id{};
};

/// While it lives, the scopes of this thread add nothing: what is appended is somebody else's.
class without_context {
public:
    without_context();
    without_context(const without_context&) = delete;
    without_context& operator=(const without_context&) = delete;
    without_context(without_context&&) = delete;
    without_context& operator=(without_context&&) = delete;
    ~without_context();

private:
    const context_scope* paused_;
};

/// The request with what the scopes of this thread add; nothing where they add nothing.
[[nodiscard]] std::optional<append_request> in_context(const append_request& request);

} // namespace detail

/// While it lives, events that this thread appends carry these texts in their metadata, where they
/// have no such key of their own: `const with_metadata who{{"user", "ada"}, {"traceparent",
/// header}};`. An inner scope goes before an outer one. Texts are kept as they are given, a W3C
/// traceparent too.
///
/// Threads: the one that made it, which also ends it; scopes end in reverse order.
class with_metadata {
public:
    with_metadata(detail::context_scope::pairs metadata);

private:
    detail::context_scope scope_{};
};

/// While it lives, events that this thread appends are caused by `cause`: its id is their causation
/// id, and its correlation id, or else its id, their correlation id, where they have none of their
/// own. `live` and subscription do this around each slot.
class handling {
public:
    explicit handling(const recorded_event& cause);

private:
    detail::context_scope scope_{};
};

} // namespace everfold
