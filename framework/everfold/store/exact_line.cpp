// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/event/cbor.hpp>
#include <everfold/json.hpp>
#include <everfold/store/base64.hpp>
#include <everfold/store/exact_line.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace everfold {

namespace {

using json = nlohmann::ordered_json;

// ---- writing

json time_to_json(timestamp t) {
    auto text = t.to_string();
    if (timestamp::parse(text) == t)
        return json(std::move(text));
    return json::array({t.seconds(), t.nanoseconds()});
}

/// As JSON where reading that gives back the same bytes; else the bytes.
void append_item(std::string& out, const char* key, bytes_view item) {
    out += ",\"";
    out += key;
    try {
        auto text = json_text_from_cbor(item);
        byte_buffer again;
        again.reserve(item.size());
        cbor_from_json(parse_json(text), again);
        if (std::ranges::equal(again, item)) {
            out += "\":";
            out += text;
            return;
        }
    } catch (const encoding_error&) { // NOLINT(bugprone-empty-catch)
        // JSON can't say it.
    }
    out += "_cbor\":\"";
    append_base64(out, item);
    out += '"';
}

void require_well_formed(bytes_view item, const char* what, position at) {
    try {
        validate(item);
    } catch (const encoding_error& e) {
        throw error{
            errc::damaged,
            std::string{"the "} + what + " of the event at position " + std::to_string(at.value()) +
                " is not well-formed: " + e.message()};
    }
}

// ---- reading

[[noreturn]] void refuse(const std::string& what) {
    throw error{errc::encoding, what};
}

/// An object of which each field is asked for once.
class fields {
public:
    fields(const json& object, std::string of)
        : object_{&object}
        , of_{std::move(of)} {
        if (!object.is_object())
            refuse(of_ + " is not an object");
    }

    [[nodiscard]] const json* find(const char* key) {
        const auto found = object_->find(key);
        if (found == object_->end())
            return nullptr;
        ++asked_;
        return &*found;
    }

    [[nodiscard]] const json& get(const char* key) {
        const auto* found = find(key);
        if (found == nullptr)
            refuse(of_ + " has no '" + key + "'");
        return *found;
    }

    [[nodiscard]] std::uint64_t
    number(const char* key, std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) {
        const auto& value = get(key);
        if (!value.is_number_unsigned() || value.get<std::uint64_t>() > max)
            refuse(
                std::string{"'"} + key + "' is not a whole number from 0 to " + std::to_string(max)
            );
        return value.get<std::uint64_t>();
    }

    [[nodiscard]] std::uint32_t small_number(const char* key) {
        return static_cast<std::uint32_t>(number(key, std::numeric_limits<std::uint32_t>::max()));
    }

    [[nodiscard]] std::string text(const char* key) {
        const auto& value = get(key);
        if (!value.is_string())
            refuse(std::string{"'"} + key + "' is not text");
        return value.get<std::string>();
    }

    /// Nil where it is not there; and only then.
    [[nodiscard]] uuid id_or_nil(const char* key) {
        if (!object_->contains(key))
            return {};
        const auto out = uuid::parse(text(key));
        if (!out || out->is_nil())
            refuse(std::string{"'"} + key + "' is no id");
        return *out;
    }

    [[nodiscard]] timestamp time(const char* key) {
        const auto& value = get(key);
        std::optional<timestamp> out;
        if (value.is_string())
            out = timestamp::parse(value.get_ref<const std::string&>());
        else if (value.is_array() && value.size() == 2 && value[1].is_number_unsigned() &&
                 value[1].get<std::uint64_t>() < 1'000'000'000 && value[0].is_number_integer() &&
                 (!value[0].is_number_unsigned() ||
                  std::in_range<std::int64_t>(value[0].get<std::uint64_t>())))
            out = timestamp{value[0].get<std::int64_t>(), value[1].get<std::uint32_t>()};
        if (!out)
            refuse(std::string{"'"} + key + "' is no time");
        return *out;
    }

    /// Of the log's clock.
    [[nodiscard]] std::int64_t recorded(const char* key) {
        const auto out = time(key).to_nanoseconds();
        if (!out || *out < 0)
            refuse(std::string{"'"} + key + "' is not from the years 1970 to 2262");
        return *out;
    }

    /// Under `key` as JSON, or under `key_cbor`; empty where neither is there.
    [[nodiscard]] byte_buffer item(const char* key) {
        byte_buffer out;
        const auto as_bytes_key = std::string{key} + "_cbor";
        const auto* value = find(key);
        if (object_->contains(as_bytes_key)) {
            if (value != nullptr)
                refuse(std::string{"'"} + key + "' is there twice");
            auto bytes = bytes_from_base64(text(as_bytes_key.c_str()));
            if (!bytes)
                refuse("'" + as_bytes_key + "' is not base64");
            out = std::move(*bytes);
        } else if (value != nullptr) {
            cbor_from_json(*value, out);
        } else {
            return out;
        }
        try {
            validate(out);
        } catch (const encoding_error& e) {
            refuse(std::string{"'"} + key + "' is no data of an event: " + e.message());
        }
        return out;
    }

    /// What nobody asked for would be lost.
    void require_all_known() const {
        if (asked_ != object_->size())
            refuse(of_ + " has a field that this version does not know");
    }

private:
    const json* object_;
    std::string of_;
    std::size_t asked_{};
};

exact_header header_from(const json& line) {
    fields f{line, "the first line"};
    if (f.text("everfold") != "export")
        refuse("the first line is not that of an exact export");
    const auto version = f.number("version");
    if (version > export_version)
        throw error{
            errc::unsupported,
            "the export is of version " + std::to_string(version) + "; this program reads up to " +
                std::to_string(export_version)};
    if (version == 0)
        refuse("there is no version 0 of the exact form");
    exact_header out{.log_id = f.id_or_nil("log_id"), .created_ns = f.recorded("created")};
    if (out.log_id.is_nil())
        refuse("the first line has no 'log_id'");
    out.limits.segment_bytes_max = f.number("segment_bytes_max");
    out.limits.event_bytes_max = f.small_number("event_bytes_max");
    out.limits.batch_bytes_max = f.small_number("batch_bytes_max");
    f.require_all_known();
    return out;
}

exact_event event_from(const json& line) {
    fields f{line, "the event"};
    exact_event out;
    if (const auto* append = f.find("append")) {
        fields a{*append, "'append'"};
        out.begins = exact_append{a.small_number("events"), a.id_or_nil("id")};
        a.require_all_known();
        if (out.begins->count == 0)
            refuse("an append has at least one event");
    }
    out.at = position{f.number("position")};
    out.stream = f.text("stream");
    out.stream_revision = revision{f.number("revision")};
    out.event.type = f.text("type");
    out.event.version = f.small_number("version");
    out.event.id = f.id_or_nil("id");
    out.derived_id = f.id_or_nil("derived_id");
    if (out.event.id.is_nil() == out.derived_id.is_nil())
        refuse("an event has either an 'id' or a 'derived_id'");
    out.recorded_ns = f.recorded("recorded_at");
    out.event.originally_recorded_at = timestamp::from_nanoseconds(out.recorded_ns);
    out.event.occurred_at =
        line.contains("occurred_at") ? f.time("occurred_at") : *out.event.originally_recorded_at;
    out.event.correlation_id = f.id_or_nil("correlation_id");
    out.event.causation_id = f.id_or_nil("causation_id");
    if (const auto* tags = f.find("tags")) {
        if (!tags->is_array())
            refuse("'tags' is not a list");
        for (const auto& tag : *tags) {
            if (!tag.is_string())
                refuse("a tag is not text");
            out.event.tags.push_back(tag.get<std::string>());
        }
    }
    out.event.metadata = f.item("metadata");
    out.event.payload = f.item("data");
    if (out.event.payload.empty())
        refuse("the event has neither 'data' nor 'data_cbor'");
    f.require_all_known();
    return out;
}

exact_removed removed_from(const json& line) {
    fields f{line, "the line"};
    fields r{f.get("removed"), "'removed'"};
    const exact_removed out{position{r.number("first")}, position{r.number("last")}};
    r.require_all_known();
    f.require_all_known();
    if (out.last < out.first)
        refuse("'removed' ends before it begins");
    return out;
}

exact_end end_from(const json& line) {
    fields f{line, "the line"};
    fields e{f.get("end"), "'end'"};
    const exact_end out{position{e.number("position")}, e.number("events"), e.number("appends")};
    e.require_all_known();
    f.require_all_known();
    return out;
}

} // namespace

std::string to_line(const exact_header& line) {
    return json{
        {"everfold", "export"},
        {"version", export_version},
        {"log_id", line.log_id.to_string()},
        {"created", time_to_json(timestamp::from_nanoseconds(line.created_ns))},
        {"segment_bytes_max", line.limits.segment_bytes_max},
        {"event_bytes_max", line.limits.event_bytes_max},
        {"batch_bytes_max", line.limits.batch_bytes_max}}
        .dump();
}

std::string to_line(const exact_event& line) {
    const auto& e = line.event;
    require_well_formed(e.payload, "data", line.at);
    if (!e.metadata.empty())
        require_well_formed(e.metadata, "metadata", line.at);
    auto j = json::object();
    if (line.begins) {
        j["append"] = json{{"events", line.begins->count}};
        if (!line.begins->id.is_nil())
            j["append"]["id"] = line.begins->id.to_string();
    }
    j["position"] = line.at.value();
    j["stream"] = line.stream;
    j["revision"] = line.stream_revision.value();
    j["type"] = e.type;
    j["version"] = e.version;
    if (e.id.is_nil())
        j["derived_id"] = line.derived_id.to_string();
    else
        j["id"] = e.id.to_string();
    const auto recorded = timestamp::from_nanoseconds(line.recorded_ns);
    j["recorded_at"] = time_to_json(recorded);
    if (e.occurred_at.value_or(recorded) != recorded)
        j["occurred_at"] = time_to_json(*e.occurred_at);
    if (!e.correlation_id.is_nil())
        j["correlation_id"] = e.correlation_id.to_string();
    if (!e.causation_id.is_nil())
        j["causation_id"] = e.causation_id.to_string();
    if (!e.tags.empty())
        j["tags"] = e.tags;
    auto out = j.dump();
    out.pop_back();
    if (!e.metadata.empty())
        append_item(out, "metadata", e.metadata);
    append_item(out, "data", e.payload);
    out += '}';
    return out;
}

std::string to_line(const exact_removed& line) {
    return json{{"removed", {{"first", line.first.value()}, {"last", line.last.value()}}}}.dump();
}

std::string to_line(const exact_end& line) {
    return json{
        {"end",
         {{"position", line.end.value()}, {"events", line.events}, {"appends", line.appends}}}}
        .dump();
}

exact_line exact_line_from(std::string_view text) {
    if (text.find('\0') != std::string_view::npos)
        refuse("it holds a NUL byte");
    const auto line = parse_json(text);
    if (!line.is_object())
        refuse("it is no JSON object");
    if (line.contains("everfold"))
        return header_from(line);
    if (line.contains("removed"))
        return removed_from(line);
    if (line.contains("end"))
        return end_from(line);
    return event_from(line);
}

} // namespace everfold
