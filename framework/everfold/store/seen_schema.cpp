// SPDX-License-Identifier: MIT
#include <everfold/store/seen_schema.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace everfold {
namespace {

void merge(seen_value& into, seen_value& from, std::size_t& room);

void merge_only(std::vector<seen_value>& into, std::vector<seen_value>& from, std::size_t& room) {
    if (from.empty())
        return;
    if (into.empty())
        into.push_back(std::move(from.front()));
    else
        merge(into.front(), from.front(), room);
}

seen_value& only(std::vector<seen_value>& in) {
    return in.empty() ? in.emplace_back() : in.front();
}

/// The names of the map turn out to be data: what was seen by name becomes one.
void forget_names(seen_value& map, std::size_t& room) {
    auto& all = only(map.by_key);
    auto fields = std::exchange(map.fields, {});
    for (auto& each : fields)
        merge(all, each, room);
}

/// All of `from` gives its room back, but what moves into `into` keeps it.
void merge(seen_value& into, seen_value& from, std::size_t& room) {
    ++room;
    for (std::size_t i = 0; i < into.counts.size(); ++i)
        into.counts[i] += from.counts[i];
    merge_only(into.elements, from.elements, room);
    merge_only(into.by_key, from.by_key, room);
    if (!into.by_key.empty()) {
        for (auto& each : from.fields)
            merge(into.by_key.front(), each, room);
        if (!into.fields.empty())
            forget_names(into, room);
        return;
    }
    for (auto& each : from.fields) {
        const auto known = std::ranges::find(into.fields, each.name, &seen_value::name);
        if (known != into.fields.end())
            merge(*known, each, room);
        else
            into.fields.push_back(std::move(each));
    }
    if (into.fields.size() > schema_survey::keys_max)
        forget_names(into, room);
}

/// Takes the data of one event into a type, within the room that the type has.
class data_reader {
public:
    data_reader(cbor_reader& in, std::size_t& room) noexcept
        : in_{in}
        , room_{room} {}

    void read(seen_value& into) {
        const auto kind = value_kind_of(in_.peek());
        ++into.counts[static_cast<std::size_t>(kind)];
        if (kind == value_kind::array) {
            for (auto left = in_.begin_array(); left != 0; --left)
                read_or_skip(has_room_in(into.elements) ? &only(into.elements) : nullptr);
            in_.end();
        } else if (kind == value_kind::map) {
            auto left = in_.begin_map();
            for (std::size_t i = 0; left != 0; --left, ++i)
                read_or_skip(field(into, in_.read_text(), i));
            in_.end();
        } else {
            in_.skip();
        }
    }

    [[nodiscard]] bool left_out() const noexcept { return left_out_; }

private:
    void read_or_skip(seen_value* into) {
        if (into != nullptr)
            return read(*into);
        left_out_ = true;
        in_.skip();
    }

    [[nodiscard]] bool has_room_in(const std::vector<seen_value>& values) {
        return !values.empty() || take_room();
    }

    bool take_room() {
        if (room_ == 0)
            return false;
        --room_;
        return true;
    }

    /// Where a map's field goes that came as its `i`-th; null where there is no room.
    seen_value* field(seen_value& map, std::string_view name, std::size_t i) {
        if (map.by_key.empty()) {
            // Mostly they come in one order.
            if (i < map.fields.size() && map.fields[i].name == name)
                return &map.fields[i];
            const auto known = std::ranges::find(map.fields, name, &seen_value::name);
            if (known != map.fields.end())
                return &*known;
            const bool are_names = map.fields.size() < schema_survey::keys_max &&
                                   name.size() <= schema_survey::name_max;
            if (!take_room())
                return nullptr;
            if (are_names)
                return &map.fields.emplace_back(seen_value{.name = std::string{name}});
            forget_names(map, room_);
        }
        return &map.by_key.front();
    }

    cbor_reader& in_;
    std::size_t& room_;
    bool left_out_{};
};

std::string in_path(std::string_view name) {
    const bool is_plain = !name.empty() && is_printable(name) &&
                          name.find_first_of(".[]*\"") == std::string_view::npos;
    return is_plain ? std::string{name} : "\"" + printable(name) + "\"";
}

void list(const seen_value& value, const std::string& path, std::vector<seen_field>& out) {
    const auto add = [&](const seen_value& each, std::string here, std::uint64_t possible) {
        out.push_back({.path = here, .value = &each, .possible = possible});
        list(each, here, out);
    };
    const auto dot = path.empty() ? "" : path + ".";
    for (const auto& each : value.fields)
        add(each, dot + in_path(each.name), value.count(value_kind::map));
    for (const auto& each : value.by_key)
        add(each, dot + "*", each.count());
    for (const auto& each : value.elements)
        add(each, path + "[]", each.count());
}

} // namespace

std::uint64_t seen_value::count() const noexcept {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

value_kinds seen_value::kinds() const noexcept {
    value_kinds out;
    for (const auto kind : all_value_kinds)
        if (count(kind) != 0)
            out.add(kind);
    return out;
}

std::vector<seen_field> seen_type::fields() const {
    std::vector<seen_field> out;
    list(data, {}, out);
    return out;
}

void schema_survey::add(const recorded_event& e) {
    if (e.type_number >= places_.size())
        places_.resize(std::size_t{e.type_number} + 1);
    auto& place = places_[e.type_number];
    if (place == 0) {
        types_.push_back(
            {.type = std::string{e.type}, .version = e.version, .first = e.log_position}
        );
        room_.push_back(fields_max);
        place = types_.size();
    }
    auto& type = types_[place - 1];
    ++type.events;
    type.first = std::min(type.first, e.log_position);
    type.last = std::max(type.last, e.log_position);
    try {
        validate(e.payload);
    } catch (const encoding_error&) {
        ++type.malformed;
        return;
    }
    cbor_reader in{e.payload};
    data_reader reader{in, room_[place - 1]};
    reader.read(type.data);
    type.has_more = type.has_more || reader.left_out();
}

std::vector<seen_type> read_schema(store from, const query& q) {
    schema_survey out;
    for (const auto& e : from.read(q))
        out.add(e);
    return out.types();
}

} // namespace everfold
