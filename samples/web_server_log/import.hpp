// SPDX-License-Identifier: MIT
#pragma once
// From an access log to events.

#include "access_log_lines.hpp"

#include <everfold/store/store.hpp>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace web_server {

/// Not one of the first lines is of the format. Nothing was recorded.
class not_an_access_log : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct import_report {
    std::uint64_t lines{};
    std::uint64_t requests{};
    std::uint64_t errors{};
    std::uint64_t unparsed{};
    /// On the disk.
    std::uint64_t events{};
};

struct import_listener {
    /// A line that did not parse, and why.
    std::function<void(std::uint64_t line, std::string_view reason)> on_unparsed{};
    /// After every line.
    std::function<void(const import_report&)> on_progress{};
};

/// Records every line, in atomic batches: the requests at the time at which they happened, with
/// the errors among them, and those lines that are no requests. `open` is asked for the store once
/// the first request was seen, so that a file of another kind makes no log.
///
/// Failure: not_an_access_log, damaged_file, and everfold::error where the log can't be written.
///          `report` is right in any case.
void import_access_log(
    access_log_lines& lines,
    const std::function<everfold::store()>& open,
    const import_listener& listener,
    import_report& report
);

} // namespace web_server
