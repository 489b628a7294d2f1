// SPDX-License-Identifier: MIT
#include "import.hpp"

#include "access_log_line.hpp"

#include <everfold/store/append.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace web_server {

namespace {

// So many lines without a single request are not an access log.
constexpr std::uint64_t patience = 1000;
constexpr std::size_t batch_lines = 1000;
constexpr std::size_t batch_bytes = 4U << 20U;
constexpr std::size_t excerpt_bytes = 1000;

class importer {
public:
    importer(
        const std::function<everfold::store()>& open,
        const import_listener& listener,
        import_report& report
    )
        : open_{open}
        , listener_{listener}
        , report_{report} {}

    void take(std::string_view line) {
        ++report_.lines;
        try {
            if (line.size() > access_log_lines::line_bytes_max)
                throw unparsable{"it is longer than 64 KiB"};
            take(parse_line(line));
        } catch (const unparsable& e) {
            take_unparsed(line, e.what());
        }
        if (store_ && (lines_in_batch_ >= batch_lines || bytes_in_batch_ >= batch_bytes))
            commit();
        listener_.on_progress(report_);
    }

    void finish() {
        if (!store_)
            fail();
        readings_.push_back(everfold::encoded(access_log_read{
            static_cast<std::int64_t>(report_.lines)}));
        commit();
    }

    /// What was taken is on the disk when this returns.
    void commit() {
        everfold::append_request request;
        for (auto* part : {&requests_, &readings_})
            if (!part->empty())
                request.streams.push_back(
                    {part == &requests_ ? requests_stream : reading_stream,
                     everfold::expected_revision::any(),
                     std::exchange(*part, {})}
                );
        lines_in_batch_ = bytes_in_batch_ = 0;
        if (request.streams.empty() || !store_)
            return;
        const auto done = store_->append(request).value();
        report_.events += done.last - done.first + 1;
    }

private:
    void take(const access_log_line& parsed) {
        if (!store_)
            store_ = open_();
        if (!time_) {
            // The lines before the first request have no time but this.
            for (auto& e : readings_)
                date(e, parsed.at);
            for (const auto& [number, reason] : unsaid_)
                listener_.on_unparsed(number, reason);
            unsaid_.clear();
        }
        time_ = parsed.at;
        add(requests_, everfold::encoded(parsed.request));
        ++report_.requests;
        if (const auto error = error_of(parsed.request)) {
            add(requests_, everfold::encoded(*error));
            ++report_.errors;
        }
        ++lines_in_batch_;
    }

    void take_unparsed(std::string_view line, const std::string& reason) {
        ++report_.unparsed;
        add(readings_,
            everfold::encoded(unparsed_line{
                .line = static_cast<std::int64_t>(report_.lines),
                .reason = reason,
                .text = text_of(line.substr(0, excerpt_bytes))}));
        ++lines_in_batch_;
        if (store_) {
            listener_.on_unparsed(report_.lines, reason);
            return;
        }
        unsaid_.emplace_back(report_.lines, reason);
        if (report_.lines >= patience)
            fail();
    }

    void add(std::vector<everfold::new_event>& to, everfold::new_event e) {
        if (time_)
            date(e, *time_);
        bytes_in_batch_ += e.payload.size();
        to.push_back(std::move(e));
    }

    // It happened then, and a history keeps its place in time.
    static void date(everfold::new_event& e, everfold::timestamp at) {
        e.occurred_at = at;
        e.originally_recorded_at = at;
    }

    [[noreturn]] void fail() const {
        if (report_.lines == 0)
            throw not_an_access_log{"it is empty"};
        const auto lines = report_.lines == 1 ? std::string{"its only line is not"}
                                              : "not one of its first " +
                                                    std::to_string(report_.lines) + " lines is";
        throw not_an_access_log{
            lines + " of Apache's combined format; line 1: " + unsaid_.front().second};
    }

    const std::function<everfold::store()>& open_;
    const import_listener& listener_;
    import_report& report_;
    std::optional<everfold::store> store_{};
    std::optional<everfold::timestamp> time_{}; // of the request before
    std::vector<everfold::new_event> requests_{};
    std::vector<everfold::new_event> readings_{};
    std::size_t lines_in_batch_{};
    std::size_t bytes_in_batch_{};
    // What the listener has not heard yet: is this an access log at all?
    std::vector<std::pair<std::uint64_t, std::string>> unsaid_{};
};

} // namespace

void import_access_log(
    access_log_lines& lines,
    const std::function<everfold::store()>& open,
    const import_listener& listener,
    import_report& report
) {
    importer to{open, listener, report};
    std::string_view line;
    try {
        while (lines.next(line))
            to.take(line);
    } catch (const damaged_file&) {
        to.commit();
        throw;
    }
    to.finish();
}

} // namespace web_server
