// SPDX-License-Identifier: MIT
#pragma once
// Reads the events of one query: what the log's indexes leave, then its conditions.

#include <everfold/log/event_log.hpp>
#include <everfold/log/log_cursor.hpp>
#include <everfold/store/store.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace everfold {

/// Keeps the log alive.
class log_store_cursor final : public event_cursor {
public:
    /// `wanted` is what `q` selects, nothing where no event can match. Throws errc::invalid where
    /// `q` resumes at a place of another query or log.
    log_store_cursor(
        std::shared_ptr<log::event_log> log,
        const log::log_index& index,
        const query& q,
        std::optional<log::selection> wanted
    );

    [[nodiscard]] const recorded_event* next() override;
    [[nodiscard]] event_batch next_batch() override;
    [[nodiscard]] query_cursor cursor() const override;
    [[nodiscard]] query_explanation explanation() const override;
    [[nodiscard]] std::optional<append_place> append_of_last() const override;

    /// The plan for all segments. The cursor then has no events.
    [[nodiscard]] query_explanation survey();

private:
    void resume(const query_cursor& at, log::selection* wanted);
    [[nodiscard]] bool meets_conditions(const log::log_event& event) const;
    /// Whether it is to be delivered; then it is, or else it counts as passed.
    [[nodiscard]] bool takes(const log::log_event& event);
    /// Null after the last.
    [[nodiscard]] const log::log_event* next_taken();
    [[nodiscard]] const log::log_event* next_taken_in_frame();
    /// All but the tags, which are appended to `tags_`.
    void present(const log::log_event& event, recorded_event& out);
    [[nodiscard]] const log::type_name& type_of(const log::log_event& event);

    std::shared_ptr<log::event_log> log_; // keeps the index alive
    const log::log_index* index_;
    std::vector<query_item> items_;
    std::vector<payload_condition> conditions_;
    query_cursor place_;
    std::optional<log::log_cursor> cursor_{};
    std::uint64_t left_;
    std::uint64_t failing_conditions_{};
    std::uint64_t delivered_{};
    std::vector<std::string_view> tags_{};
    recorded_event out_{};
    std::vector<const log::type_name*> types_{}; // by the log's number, null where not seen
    // The moment that came last, which many events share.
    std::int64_t recorded_ns_{};
    timestamp recorded_at_{};
    // Of a batch; what is behind its end is left from others, and is used again.
    std::vector<recorded_event> batch_{};
    std::vector<std::uint32_t> batch_streams_{};
    std::vector<std::size_t> batch_tag_ends_{};
};

} // namespace everfold
