// SPDX-License-Identifier: MIT
#pragma once
// A log that is made of what another one held: appends keep the times at which they were recorded.
// For repair and for importing an exact export; whoever appends otherwise is stamped by the clock.

#include <everfold/base/bytes.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/deferred.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/batch_framer.hpp>
#include <everfold/log/event_log.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace everfold::log {

/// There while a log is being imported. Without a manifest beside it, the import was interrupted,
/// and nothing in the directory is worth anything.
inline constexpr const char* importing_name = "LOG.importing";

/// Makes the directory, or empties it where an import into it was interrupted, and marks it.
/// Failure: errc::invalid where `into` holds anything else; in_use where somebody imports into it.
void prepare_import(const io::machine& machine, const std::string& into);

/// Removes the mark, once the log is whole.
void conclude_import(const io::machine& machine, const std::string& into);

/// The new log, while it is made.
///
/// Threads:    one.
/// Durability: none before finish(); until then the directory is no log. Then all of it.
/// Failure:    as event_log; in_use where somebody makes a log there.
class rebuilt_log {
public:
    struct origin {
        uuid log_id{}; ///< nil: a new one
        size_limits limits{};
        std::int64_t created_ns{};
    };

    /// In the empty directory `into`.
    rebuilt_log(const io::machine& machine, std::string into, const origin& from);

    [[nodiscard]] const uuid& id() const { return log_->index().log_id(); }

    [[nodiscard]] const log_index& index() const { return log_->index(); }

    /// Appends the batch. Its last event was recorded at `recorded_ns`, which never falls; the
    /// others when they say.
    [[nodiscard]] placed
    append(std::span<const draft> events, const uuid& append_id, std::int64_t recorded_ns);

    /// One that is new, at the time of the last append.
    [[nodiscard]] placed append(std::span<const draft> events);

    void close() { log_->close(); }

    /// Beside the log, which is closed.
    void add_file(std::string_view name, bytes_view content);

    /// Syncs all of it; only then is the directory a log. It is closed.
    void finish() { files_->finish(); }

private:
    class past_clock;

    std::shared_ptr<past_clock> clock_;
    std::shared_ptr<io::deferred_files> files_;
    io::machine machine_;
    std::string into_;
    std::unique_ptr<event_log> log_{};
};

} // namespace everfold::log
