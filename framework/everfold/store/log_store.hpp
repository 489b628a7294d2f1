// SPDX-License-Identifier: MIT
#pragma once
// The embedded store: streams, conditions and queries on top of one event log.

#include <everfold/log/event_log.hpp>
#include <everfold/store/query_conditions.hpp>
#include <everfold/store/snapshot_files.hpp>
#include <everfold/store/store.hpp>
#include <everfold/store/stream_rules.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>

namespace everfold {

/// Owns:    the log. Cursors keep it alive.
/// Threads: any.
class log_store final : public store_engine, public std::enable_shared_from_this<log_store> {
public:
    log_store(std::shared_ptr<log::event_log> log, const store_capabilities& able);
    ~log_store() override;

    [[nodiscard]] uuid log_id() const override;
    [[nodiscard]] std::shared_ptr<io::clock> clock() const override;
    [[nodiscard]] store_capabilities capabilities() const override;
    [[nodiscard]] open_report report() const override;
    void note(std::string sentence) const override;
    [[nodiscard]] append_result append(const append_request& request) override;
    [[nodiscard]] std::future<append_result> append_async(const append_request& request) override;
    [[nodiscard]] position durable_position() override;
    [[nodiscard]] bool wait_durable(position p, std::chrono::milliseconds timeout) override;
    [[nodiscard]] std::unique_ptr<event_cursor> read(const query& q) override;
    [[nodiscard]] query_explanation explain(const query& q) override;
    [[nodiscard]] position end() override;
    [[nodiscard]] std::optional<revision> last_revision(std::string_view stream) override;
    [[nodiscard]] std::optional<position> position_at(timestamp t) override;
    [[nodiscard]] std::vector<std::string> streams() override;
    [[nodiscard]] std::vector<stored_type> types() override;
    [[nodiscard]] bool wait_for(position p, std::chrono::milliseconds timeout) override;
    void save_snapshot(const snapshot& s) override;
    [[nodiscard]] std::optional<snapshot>
    load_snapshot(std::string_view stream, std::string_view fold, revision up_to) override;
    archive_report archive(std::string_view stream, revision up_to, std::string_view why) override;
    [[nodiscard]] std::vector<compaction_record> compactions() override;
    [[nodiscard]] append_result
    truncate(std::string_view stream, revision begin, expected_revision expected) override;
    [[nodiscard]] append_result
    tombstone(std::string_view stream, expected_revision expected, std::string_view why) override;
    [[nodiscard]] append_result
    describe(std::string_view stream, bytes_view metadata, expected_revision expected) override;
    [[nodiscard]] stream_info about(std::string_view stream) override;
    [[nodiscard]] std::unique_ptr<stream_cursor> list_streams() override;
    [[nodiscard]] std::optional<stream_end> end_of(std::string_view stream) override;
    [[nodiscard]] append_result retain(std::string_view stream, const retention& kept) override;
    scavenge_report scavenge(const scavenge_options& options) override;
    scavenge_report
    remove(std::span<const position> positions, const scavenge_options& options) override;
    [[nodiscard]] std::vector<removal_record> removals() override;
    [[nodiscard]] store_stats stats() override;
    void close() override;
    [[nodiscard]] checkpoint checkpoint_at(position next) override;

private:
    /// Its streams are the caller's to append to. Under ruling_.
    void require_open(const append_request& request);
    /// Without what the thread's scopes add.
    [[nodiscard]] append_result append_as_is(const append_request& request);
    [[nodiscard]] condition_check conditions_of(const append_request& request);
    /// The first answer to a repeated append, one of whose streams was tombstoned since.
    [[nodiscard]] std::optional<append_result>
    found_in_ended(const append_request& request, std::span<const log::draft> drafts);
    /// Up to date with `index`, or with what can be read now.
    const stream_rules& rules(const log::log_index& index);
    const stream_rules& rules();
    /// Null where everything can be reached.
    [[nodiscard]] std::shared_ptr<const log::reachability>
    reachable(const log::log_index& index, bool shows_own);
    /// Whether all of the stream's events can be reached.
    [[nodiscard]] bool is_whole(std::string_view stream);
    [[nodiscard]] append_result append_rule(
        std::string_view stream,
        new_event rule,
        expected_revision expected,
        revision begin = revision{}
    );

    std::shared_ptr<log::event_log> log_;
    uuid log_id_;
    store_capabilities able_;
    snapshot_files snapshots_;
    std::mutex saving_{};
    stream_rules rules_{};
    std::shared_mutex ruling_{}; // a rule is recorded while nothing is appended
    std::atomic<bool> are_rules_known_{};
    mutable std::mutex noting_{};
    mutable open_report report_{}; // grows as things are found
};

} // namespace everfold
