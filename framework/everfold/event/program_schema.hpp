// SPDX-License-Identifier: MIT
#pragma once
// What a program knows of events: the names and versions that it reads, as what, and their fields.

#include <everfold/event/event_type.hpp>
#include <everfold/event/stored_forms.hpp>
#include <everfold/event/value_shape.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace everfold {

/// A name and version that events may be stored with, and what the program makes of them.
struct known_form {
    std::string_view type{};
    std::uint32_t version{};
    /// What it is today.
    std::string_view read_as{};
    std::uint32_t read_as_version{};
    /// Upcasters in between.
    std::uint32_t steps{};
    /// Whether it is also for higher versions.
    bool reads_newer{};
    /// What is decoded; nothing where an upcast() over JSON comes first.
    std::optional<value_shape> shape{};
};

namespace detail {

template <class E>
struct form_adder {
    std::vector<known_form>& out;
    std::string_view read_as;
    std::uint32_t read_as_version;
    std::uint32_t steps;

    void run() const {
        for (const auto name : names_of<E>()) {
            add(name, version_of<E>(), 0, shape_of<E>());
            out.back().reads_newer = steps == 0 && everfold::detail::reads_newer<E>();
            if constexpr (has_upcast<E>)
                for (auto v = oldest_version_of<E>(); v < version_of<E>(); ++v)
                    add(name, v, version_of<E>() - v, {});
        }
        if constexpr (has_previous<E>)
            older<typename E::previous>();
        if constexpr (has_parts_of<E>)
            E::parts_of::for_each([this]<class Old>(std::type_identity<Old>) { older<Old>(); });
    }

private:
    void
    add(std::string_view type,
        std::uint32_t version,
        std::uint32_t more_steps,
        std::optional<value_shape> shape) const {
        out.push_back(
            {.type = type,
             .version = version,
             .read_as = read_as,
             .read_as_version = read_as_version,
             .steps = steps + more_steps,
             .shape = std::move(shape)}
        );
    }

    template <class Old>
    void older() const {
        form_adder<Old>{out, read_as, read_as_version, steps + 1}.run();
    }
};

template <class... Es>
std::vector<known_form> known_forms() {
    std::vector<known_form> out;
    (form_adder<Es>{out, event_type_of<Es>, event_version_of<Es>, 0}.run(), ...);
    return out;
}

} // namespace detail

/// A list of events, with its type gone: `program_schema{everfold::events<opened, closed>{}}`.
class program_schema {
public:
    /// Knows nothing and asks for nothing.
    program_schema() = default;

    template <class... Es>
    program_schema(events<Es...>) noexcept // NOLINT(google-explicit-constructor): is one
        : make_{&detail::known_forms<Es...>} {}

    explicit operator bool() const noexcept { return make_ != nullptr; }

    /// Names that the program does not know are no mistake; versions of those it knows still are.
    program_schema& skip_unknown() & noexcept {
        skips_unknown_ = true;
        return *this;
    }

    [[nodiscard]] program_schema skip_unknown() && noexcept { return skip_unknown(); }

    [[nodiscard]] bool skips_unknown() const noexcept { return skips_unknown_; }

    /// A split event is there once for each of its parts.
    [[nodiscard]] std::vector<known_form> forms() const {
        return make_ != nullptr ? make_() : std::vector<known_form>{};
    }

private:
    std::vector<known_form> (*make_)(){};
    bool skips_unknown_{};
};

} // namespace everfold
