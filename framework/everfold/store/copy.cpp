// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/format.hpp>
#include <everfold/store/context.hpp>
#include <everfold/store/copy.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <future>
#include <optional>
#include <unordered_map>
#include <utility>

namespace everfold {

namespace {

/// An id for the append of these events, which is the same whenever the copy is made.
uuid append_id_of(const uuid& from, position first, const append_request& request) {
    byte_buffer text;
    append_bytes(text, from.octets);
    append_le(text, first.value());
    for (const auto& to : request.streams) {
        append_le(text, static_cast<std::uint64_t>(to.stream.size()));
        append_bytes(text, as_bytes(to.stream));
        append_le(
            text,
            to.expected.what() == expected_revision::kind::exact ? to.expected.exact().value() + 1
                                                                 : std::uint64_t{0}
        );
    }
    std::array<std::byte, 16> digest{};
    store_le(digest.data(), log::checksum(text, 1));
    store_le(digest.data() + 8, log::checksum(text, 2));
    auto out = uuid::from_random(digest);
    out.octets[6] = (out.octets[6] & std::byte{0x0F}) | std::byte{0x80}; // version 8: our own
    return out;
}

class copying {
public:
    copying(store& from, store& to, const copy_options& options)
        : from_{&from}
        , to_{&to}
        , options_{&options}
        , known_end_{to.end()} {}

    copy_report run() {
        const auto cursor = from_->engine().read(options_->filter);
        const auto source = from_->log_id();
        std::optional<position> first;
        std::vector<copied_event> batch;
        while (const auto* event = cursor->next()) {
            const auto append = cursor->append_of_last();
            const auto begins = append ? append->first : event->log_position;
            if (first && *first != begins)
                begin(source, *first, batch);
            first = begins;
            if (options_->transform)
                options_->transform(*event, batch);
            else
                batch.push_back(as_copied(*event, options_->preserve));
            ++read_;
            behind_ = event->log_position.next();
        }
        if (first)
            begin(source, *first, batch);
        behind_ = std::max(behind_, cursor->cursor().boundary);
        while (!in_flight_.empty())
            finish_first();
        report_.read = read_;
        report_.end = behind_;
        return report_;
    }

private:
    struct begun {
        std::future<append_result> answer{};
        std::uint64_t bytes{};
        copy_report then{};
        std::string stream{};
    };

    void begin(const uuid& source, position first, std::vector<copied_event>& batch) {
        append_request request;
        std::uint64_t bytes = 0;
        for (auto& e : batch) {
            bytes += e.event.payload.size() + e.event.metadata.size() + 256;
            auto to = std::ranges::find(request.streams, e.stream, &stream_append::stream);
            if (to == request.streams.end()) {
                request.streams.push_back({.stream = e.stream});
                to = std::prev(request.streams.end());
            }
            to->events.push_back(std::move(e.event));
        }
        const auto count = batch.size();
        batch.clear();
        if (count == 0)
            return;
        for (auto& to : request.streams) {
            auto& next = next_revision_[to.stream];
            to.expected = next == 0 ? expected_revision::no_stream()
                                    : expected_revision::exactly(revision{next - 1});
            next += to.events.size();
        }
        request.append_id = append_id_of(source, first, request);
        while (!in_flight_.empty() &&
               (in_flight_.size() >= appends_max || bytes_ + bytes > bytes_max))
            finish_first();
        events_ += count;
        bytes_ += bytes;
        begun b{.bytes = bytes, .stream = request.streams.front().stream};
        b.then.read = read_;
        b.then.events = events_;
        b.then.end = behind_;
        b.answer = guarded(b.stream, [&] { return to_->append_async(request); });
        in_flight_.push_back(std::move(b));
    }

    void finish_first() {
        auto b = std::move(in_flight_.front());
        in_flight_.pop_front();
        bytes_ -= b.bytes;
        const auto done = guarded(b.stream, [&] { return b.answer.get().value(); });
        ++report_.appends;
        if (done.first < known_end_)
            ++report_.repeated_appends;
        b.then.appends = report_.appends;
        b.then.repeated_appends = report_.repeated_appends;
        report_ = b.then;
        if (options_->progress)
            options_->progress(report_);
    }

    template <class Do>
    auto guarded(const std::string& stream, const Do& act) -> decltype(act()) {
        try {
            return act();
        } catch (error& e) {
            if (e.code() == errc::conflict)
                e.add(
                    "a copied stream begins in the target with the copy; '" + printable(stream) +
                    "' or another of the same append has events there that are not of it"
                );
            e.add(
                "copying; all before position " + std::to_string(report_.end.value()) +
                " of the source is in the target"
            );
            throw;
        }
    }

    static constexpr std::size_t appends_max = 256;
    static constexpr std::uint64_t bytes_max = 4U << 20U;

    store* from_;
    store* to_;
    const copy_options* options_;
    position known_end_;
    std::unordered_map<std::string, std::uint64_t> next_revision_{};
    std::deque<begun> in_flight_{};
    std::uint64_t bytes_{};
    std::uint64_t read_{};
    std::uint64_t events_{};
    position behind_{};
    copy_report report_{};
};

} // namespace

copied_event as_copied(const recorded_event& event, const copy_preserve& preserve) {
    copied_event out{.stream = std::string{event.stream}};
    auto& e = out.event;
    e.type = event.type;
    e.version = event.version;
    e.payload.assign(event.payload.begin(), event.payload.end());
    e.tags.assign(event.tags.begin(), event.tags.end());
    e.occurred_at = event.occurred_at;
    if (preserve.recorded_times)
        e.originally_recorded_at = event.recorded_at;
    if (preserve.ids)
        e.id = event.id;
    e.correlation_id = event.correlation_id;
    e.causation_id = event.causation_id;
    e.metadata.assign(event.metadata.begin(), event.metadata.end());
    return out;
}

copy_report copy(store from, store to, const copy_options& options) {
    if (from.log_id() == to.log_id())
        throw error{errc::invalid, "a log is not copied into itself"};
    if (options.filter.within().is_backwards)
        throw error{errc::invalid, "events are copied forwards, in the order of the source"};
    const detail::without_context as_it_was;
    return copying{from, to, options}.run();
}

} // namespace everfold
