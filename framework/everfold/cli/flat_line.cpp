// SPDX-License-Identifier: MIT
#include <everfold/cli/flat_line.hpp>
#include <everfold/event/cbor.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace everfold::cli {

namespace {

/// Each key is compared with all before it.
constexpr std::size_t members_max = 32;

} // namespace

/// What the parser calls. False ends the parsing.
class flat_line::handler {
public:
    using json = nlohmann::json;

    explicit handler(flat_line& into)
        : into_{&into} {}

    [[nodiscard]] bool is_whole() const noexcept { return (seen_ & needed) == needed; }

    bool null() { return depth_ == 2 && set(nullptr); }

    bool boolean(bool given) { return depth_ == 2 && set(given); }

    bool number_integer(std::int64_t given) { return depth_ == 2 ? set(given) : is_time(given); }

    bool number_unsigned(std::uint64_t given) {
        if (depth_ == 2)
            return set(given);
        return given <= std::uint64_t{std::numeric_limits<std::int64_t>::max()} &&
               is_time(static_cast<std::int64_t>(given));
    }

    bool number_float(double given, const std::string& text) {
        // An integer that does not fit.
        return depth_ == 2 && text.find_first_of(".eE") != std::string::npos && set(given);
    }

    bool string(std::string& given) {
        if (depth_ == 2) {
            auto& content = into_->members_[into_->count_ - 1].content;
            if (auto* text = std::get_if<std::string>(&content))
                text->assign(given);
            else
                content = given;
            return true;
        }
        if (at_ == event_type && !given.empty())
            into_->type_.assign(given);
        return at_ == datetime || (at_ == event_type && !given.empty());
    }

    bool binary(json::binary_t& /*given*/) { return false; }

    bool start_object(std::size_t /*size*/) {
        ++depth_;
        return depth_ == 1 || (depth_ == 2 && at_ == data);
    }

    bool key(std::string& name) {
        if (depth_ == 2)
            return begin_member(name);
        static constexpr std::pair<std::string_view, unsigned> fields[] = {
            {"timestamp", timestamp},
            {"datetime", datetime},
            {"event_type", event_type},
            {"data", data}};
        const auto* found =
            std::ranges::find(fields, name, &std::pair<std::string_view, unsigned>::first);
        if (found == std::end(fields) || (seen_ & found->second) != 0)
            return false;
        at_ = found->second;
        seen_ |= at_;
        return true;
    }

    bool end_object() {
        --depth_;
        return true;
    }

    bool start_array(std::size_t /*size*/) { return false; }

    bool end_array() { return false; }

    template <class Failure>
    bool parse_error(std::size_t /*at*/, const std::string& /*token*/, const Failure& /*why*/) {
        return false;
    }

private:
    // A field of the line; and which were seen.
    static constexpr unsigned datetime = 1;
    static constexpr unsigned timestamp = 2;
    static constexpr unsigned event_type = 4;
    static constexpr unsigned data = 8;
    static constexpr unsigned needed = timestamp | event_type | data;

    bool is_time(std::int64_t given) {
        into_->milliseconds_ = given;
        return depth_ == 1 && at_ == timestamp;
    }

    template <class T>
    bool set(T given) {
        into_->members_[into_->count_ - 1].content = given;
        return true;
    }

    bool begin_member(const std::string& name) {
        if (into_->count_ == members_max || into_->find(name) != nullptr)
            return false;
        if (into_->count_ == into_->members_.size())
            into_->members_.emplace_back();
        into_->members_[into_->count_++].key.assign(name);
        return true;
    }

    flat_line* into_;
    unsigned depth_{};
    unsigned at_{};
    unsigned seen_{};
};

bool flat_line::parse(std::string_view line) {
    count_ = 0;
    // The parser would take a zero byte for the end.
    if (line.find('\0') != std::string_view::npos)
        return false;
    handler events{*this};
    return nlohmann::json::sax_parse(line.data(), line.data() + line.size(), &events) &&
           events.is_whole();
}

const flat_line::value* flat_line::find(std::string_view key) const noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
        if (members_[i].key == key)
            return &members_[i].content;
    }
    return nullptr;
}

void flat_line::make_event(new_event& into) const {
    const auto at = everfold::timestamp::from_milliseconds(milliseconds_);
    into.type.assign(type_);
    into.version = 1;
    into.occurred_at = at;
    into.originally_recorded_at = at;
    into.id = {};
    into.correlation_id = {};
    into.causation_id = {};
    into.metadata.clear();
    into.tags.clear();
    into.payload.clear();
    cbor_writer out{into.payload};
    out.begin_map(count_);
    for (const auto& [key, content] : std::span{members_}.first(count_)) {
        out.write_text(key);
        std::visit(
            [&](const auto& v) {
                using type = std::remove_cvref_t<decltype(v)>;
                if constexpr (std::is_same_v<type, std::nullptr_t>)
                    out.write_null();
                else if constexpr (std::is_same_v<type, bool>)
                    out.write_boolean(v);
                else if constexpr (std::is_same_v<type, double>)
                    out.write_floating(v);
                else if constexpr (std::is_same_v<type, std::string>)
                    out.write_text(v);
                else
                    out.write_integer(v);
            },
            content
        );
    }
    out.end();
    out.finish();
}

} // namespace everfold::cli
