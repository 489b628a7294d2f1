// SPDX-License-Identifier: MIT
#include <everfold/aggregate/missing_history.hpp>
#include <everfold/base/bytes.hpp>

#include <utility>

namespace everfold {

namespace {

std::string sentence(const std::string& stream, revision first, revision last) {
    const auto range = first == last ? "revision " + std::to_string(first.value()) + " of stream '"
                                     : "revisions " + std::to_string(first.value()) + " to " +
                                           std::to_string(last.value()) + " of stream '";
    return range + printable(stream) +
           "' can't be read any more: a rule put them out of reach, or they were removed; the "
           "state that needs them can't be known";
}

} // namespace

missing_history::missing_history(std::string stream, revision first, revision last)
    : error{errc::invalid, sentence(stream, first, last)}
    , stream_{std::move(stream)}
    , first_{first}
    , last_{last} {}

missing_history::~missing_history() = default;

} // namespace everfold
