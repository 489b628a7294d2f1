// SPDX-License-Identifier: MIT
#include <everfold/json.hpp>

#include <set>
#include <vector>

namespace everfold {

namespace {

template <class Json>
void write_any(const Json& value, cbor_writer& out) {
    using kind = nlohmann::detail::value_t;
    switch (value.type()) {
    case kind::null:
        out.write_null();
        break;
    case kind::boolean:
        out.write_boolean(value.template get<bool>());
        break;
    case kind::number_integer:
        out.write_integer(value.template get<std::int64_t>());
        break;
    case kind::number_unsigned:
        out.write_integer(value.template get<std::uint64_t>());
        break;
    case kind::number_float:
        out.write_floating(value.template get<double>());
        break;
    case kind::string:
        out.write_text(value.template get_ref<const std::string&>());
        break;
    case kind::binary: {
        const auto& bytes = value.get_binary();
        if (bytes.has_subtype())
            throw encoding_error{out.size(), "a binary value with a subtype has no form"};
        out.write_bytes(std::as_bytes(std::span{bytes}));
        break;
    }
    case kind::array:
        out.begin_array(value.size());
        for (const auto& each : value)
            write_any(each, out);
        out.end();
        break;
    case kind::object:
        out.begin_map(value.size());
        for (const auto& each : value.items()) {
            out.write_text(each.key());
            write_any(each.value(), out);
        }
        out.end();
        break;
    case kind::discarded:
        throw encoding_error{out.size(), "a JSON value that was discarded while it was parsed"};
    }
}

/// Adds a member that is not there yet.
void add_member(
    nlohmann::ordered_json::object_t& object, std::string_view key, nlohmann::ordered_json&& value
) {
    // A vector of pairs underneath: its own emplace would search all keys each time.
    static_cast<nlohmann::ordered_json::object_t::Container&>(object).emplace_back(
        std::string{key}, std::move(value)
    );
}

void add_member(nlohmann::json::object_t& object, std::string_view key, nlohmann::json&& value) {
    object.emplace(std::string{key}, std::move(value));
}

template <class Json>
Json read_any(cbor_reader& in) {
    switch (in.peek()) {
    case cbor_kind::unsigned_integer:
        return in.read_integer<std::uint64_t>();
    case cbor_kind::negative_integer:
        return in.read_integer<std::int64_t>();
    case cbor_kind::bytes: {
        const auto bytes = in.read_bytes();
        const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
        return Json::binary({first, first + bytes.size()});
    }
    case cbor_kind::text:
        return std::string{in.read_text()};
    case cbor_kind::boolean:
        return in.read_boolean();
    case cbor_kind::null:
        in.skip();
        return nullptr;
    case cbor_kind::floating:
        return in.read_floating();
    case cbor_kind::array: {
        Json array = Json::array();
        auto& elements = array.template get_ref<typename Json::array_t&>();
        for (auto count = in.begin_array(); count != 0; --count)
            elements.push_back(read_any<Json>(in));
        in.end();
        return array;
    }
    case cbor_kind::map: {
        Json object = Json::object();
        auto& members = object.template get_ref<typename Json::object_t&>();
        for (auto count = in.begin_map(); count != 0; --count) {
            const auto key = in.read_text();
            add_member(members, key, read_any<Json>(in));
        }
        in.end();
        return object;
    }
    }
    in.fail("an item that is not part of the event encoding");
}

/// Reads one item whose keys are known to be distinct.
template <class Json>
Json read_checked(cbor_reader& in) {
    const auto depth = in.depth();
    const auto item = in.skip();
    cbor_reader inner{item, depth};
    return read_any<Json>(inner);
}

template <class Json>
void append_json(const Json& value, byte_buffer& out) {
    cbor_writer writer{out};
    write_any(value, writer);
    writer.finish();
}

/// Tells the parser's consumer how far the parser has read.
class counted_iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    counted_iterator(const char* at, const char** furthest)
        : at_{at}
        , furthest_{furthest} {}

    reference operator*() const { return *at_; }

    counted_iterator& operator++() {
        *furthest_ = ++at_;
        return *this;
    }

    friend bool operator==(const counted_iterator& a, const counted_iterator& b) {
        return a.at_ == b.at_;
    }

private:
    const char* at_;
    const char** furthest_;
};

/// Builds a value from what the parser finds, and refuses what an event can't hold.
class strict_builder {
public:
    using json = nlohmann::ordered_json;

    strict_builder(const char* begin, const char* const* furthest)
        : begin_{begin}
        , furthest_{furthest} {}

    [[nodiscard]] json take() { return std::move(root_); }

    bool null() { return add(nullptr); }

    bool boolean(bool value) { return add(value); }

    bool number_integer(std::int64_t value) { return add(value); }

    bool number_unsigned(std::uint64_t value) { return add(value); }

    bool number_float(double value, const std::string& text) {
        if (text.find_first_of(".eE") == text.npos)
            fail("the integer " + text.substr(0, 40) + " does not fit in 64 bits");
        return add(value);
    }

    bool string(std::string& value) { return add(std::move(value)); }

    bool binary(json::binary_t& value) { return add(json::binary(std::move(value))); }

    bool start_object(std::size_t) { return open(json::object()); }

    bool start_array(std::size_t) { return open(json::array()); }

    bool key(std::string& name) {
        auto& level = levels_.back();
        if (!level.keys.insert(name).second)
            fail("the key \"" + printable(name) + "\" comes twice");
        level.key = std::move(name);
        return true;
    }

    bool end_object() { return close(); }

    bool end_array() { return close(); }

    template <class Failure>
    bool parse_error(std::size_t position, const std::string& token, const Failure& failure) {
        const auto at = position == 0 ? 0 : position - 1;
        throw encoding_error{
            at,
            "not JSON: " + printable(reason(failure.what())) +
                (token.empty() ? "" : ", near \"" + near(token) + '"')};
    }

private:
    struct open_value {
        json value{};
        std::set<std::string> keys{};
        std::string key{};
    };

    /// "[…] parse error at line 1, column 5: syntax error while parsing value - REASON; last read:
    /// '…'": the library's places count otherwise than ours.
    static std::string reason(std::string what) {
        if (const auto dash = what.find(" - "); dash != what.npos)
            what.erase(0, dash + 3);
        else if (const auto bracket = what.find("] "); bracket != what.npos)
            what.erase(0, bracket + 2);
        if (const auto last = what.find("; last read"); last != what.npos)
            what.erase(last);
        return what;
    }

    static std::string near(const std::string& token) {
        constexpr std::size_t shown = 40;
        return printable(std::string_view{token}.substr(0, shown));
    }

    [[noreturn]] void fail(const std::string& what) const {
        throw encoding_error{static_cast<std::size_t>(*furthest_ - begin_), what};
    }

    bool open(json&& empty) {
        if (levels_.size() == cbor_depth_max)
            fail("more than 64 levels of arrays and objects");
        levels_.push_back({std::move(empty), {}, {}});
        return true;
    }

    bool close() {
        auto done = std::move(levels_.back().value);
        levels_.pop_back();
        return add(std::move(done));
    }

    bool add(json&& value) {
        if (levels_.empty()) {
            root_ = std::move(value);
            return true;
        }
        auto& into = levels_.back();
        if (into.value.is_array())
            into.value.get_ref<json::array_t&>().push_back(std::move(value));
        else
            add_member(into.value.get_ref<json::object_t&>(), into.key, std::move(value));
        return true;
    }

    const char* begin_;
    const char* const* furthest_;
    json root_{};
    std::vector<open_value> levels_{};
};

} // namespace

namespace detail {

void write_json(const nlohmann::ordered_json& value, cbor_writer& out) {
    write_any(value, out);
}

void write_json(const nlohmann::json& value, cbor_writer& out) {
    write_any(value, out);
}

void read_json(cbor_reader& in, nlohmann::ordered_json& into) {
    into = read_checked<nlohmann::ordered_json>(in);
}

void read_json(cbor_reader& in, nlohmann::json& into) {
    into = read_checked<nlohmann::json>(in);
}

} // namespace detail

nlohmann::ordered_json json_from_cbor(bytes_view item) {
    cbor_reader in{item};
    auto value = read_checked<nlohmann::ordered_json>(in);
    in.finish();
    return value;
}

void cbor_from_json(const nlohmann::ordered_json& value, byte_buffer& out) {
    append_json(value, out);
}

void cbor_from_json(const nlohmann::json& value, byte_buffer& out) {
    append_json(value, out);
}

nlohmann::ordered_json parse_json(std::string_view text) {
    // The library would take it for the end of the text.
    if (const auto zero = text.find('\0'); zero != text.npos)
        throw encoding_error{zero, "not JSON: a zero byte"};
    const char* furthest = text.data();
    const char* end = text.data() + text.size();
    strict_builder builder{text.data(), &furthest};
    nlohmann::ordered_json::sax_parse(
        counted_iterator{text.data(), &furthest}, counted_iterator{end, &furthest}, &builder
    );
    return builder.take();
}

} // namespace everfold
