// SPDX-License-Identifier: MIT
#include <everfold/event/cbor.hpp>
#include <everfold/log/format.hpp>
#include <everfold/store/query.hpp>

namespace everfold {

query& query::stream(std::string name) & {
    items_.back().stream = std::move(name);
    return *this;
}

query& query::category(std::string name) & {
    items_.back().category = std::move(name);
    return *this;
}

query& query::type(std::string name) & {
    items_.back().types.push_back(std::move(name));
    return *this;
}

query& query::tag(std::string text) & {
    items_.back().tags.push_back(std::move(text));
    return *this;
}

query& query::tag(std::string_view key, std::string_view value) & {
    std::string text{key};
    text += ':';
    text += value;
    return tag(std::move(text));
}

query& query::from(position p) & {
    within_.from = p;
    return *this;
}

query& query::to(position p) & {
    within_.to = p;
    return *this;
}

query& query::from_revision(revision r) & {
    within_.from_revision = r;
    return *this;
}

query& query::to_revision(revision r) & {
    within_.to_revision = r;
    return *this;
}

query& query::since(timestamp t) & {
    within_.since = t;
    return *this;
}

query& query::until(timestamp t) & {
    within_.until = t;
    return *this;
}

query& query::recorded_since(timestamp t) & {
    within_.recorded_since = t;
    return *this;
}

query& query::recorded_until(timestamp t) & {
    within_.recorded_until = t;
    return *this;
}

query& query::where(std::string_view pointer, comparison op, payload_value value) & {
    std::vector<payload_value> one;
    one.push_back(std::move(value));
    return where(payload_condition{pointer, op, std::move(one)});
}

query& query::where(payload_condition condition) & {
    conditions_.push_back(std::move(condition));
    return *this;
}

query& query::resume(const query_cursor& at) & {
    resumed_ = at;
    return *this;
}

query& query::backwards() & {
    within_.is_backwards = true;
    return *this;
}

query& query::limit(std::uint64_t count) & {
    within_.limit = count;
    return *this;
}

query operator|(query a, const query& b) {
    a.items_.insert(a.items_.end(), b.items_.begin(), b.items_.end());
    return a;
}

namespace {

// Every part with its length or its kind in front, so that no two queries are written alike.

void write_texts(cbor_writer& out, const std::vector<std::string>& texts) {
    out.begin_array(texts.size());
    for (const auto& text : texts)
        out.write_bytes(as_bytes(text)); // names need not be UTF-8 here
    out.end();
}

void write_optional(cbor_writer& out, const std::optional<std::string>& text) {
    if (text)
        out.write_bytes(as_bytes(*text));
    else
        out.write_null();
}

void write_optional(cbor_writer& out, const std::optional<timestamp>& t) {
    if (t) {
        out.write_integer(t->seconds());
        out.write_integer(t->nanoseconds());
    } else {
        out.write_null();
    }
}

void write_value(cbor_writer& out, const payload_value& value) {
    struct writer {
        cbor_writer* out;

        void operator()(std::nullptr_t) const { out->write_null(); }
        void operator()(bool truth) const { out->write_boolean(truth); }
        void operator()(std::int64_t n) const { out->write_integer(n); }
        void operator()(std::uint64_t n) const { out->write_integer(n); }
        void operator()(double n) const { out->write_floating(n); }
        void operator()(const std::string& text) const { out->write_text(text); }
        void operator()(const payload_value::encoded& item) const { out->write_bytes(item.item); }
    };
    std::visit(writer{&out}, value.get());
}

} // namespace

std::uint64_t query::fingerprint() const {
    byte_buffer bytes;
    bytes.reserve(256);
    cbor_writer out{bytes};
    out.write_integer(items_.size());
    for (const auto& item : items_) {
        write_texts(out, item.types);
        write_texts(out, item.tags);
        write_optional(out, item.stream);
        write_optional(out, item.category);
    }
    for (const auto number :
         {within_.from.value(),
          within_.to.value(),
          within_.from_revision.value(),
          within_.to_revision.value()})
        out.write_integer(number);
    for (const auto* time :
         {&within_.since, &within_.until, &within_.recorded_since, &within_.recorded_until})
        write_optional(out, *time);
    out.write_boolean(within_.is_backwards);
    out.write_integer(conditions_.size());
    for (const auto& condition : conditions_) {
        out.write_text(condition.pointer());
        out.write_integer(static_cast<unsigned>(condition.op()));
        out.write_integer(condition.values().size());
        for (const auto& value : condition.values())
            write_value(out, value);
    }
    out.finish();
    return log::checksum(bytes, 0);
}

std::string_view category_of(std::string_view stream) noexcept {
    return stream.substr(0, stream.find('-'));
}

} // namespace everfold
