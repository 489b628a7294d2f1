// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/event/cbor.hpp>
#include <everfold/event/json_text.hpp>
#include <everfold/store/payload_condition.hpp>

#include <algorithm>
#include <cmath>
#include <compare>
#include <limits>
#include <optional>
#include <utility>

namespace everfold {

namespace {

[[noreturn]] void refuse(std::string_view pointer, const char* what) {
    throw error{errc::invalid, "the condition on '" + printable(pointer) + "' " + what};
}

std::vector<std::string> steps_of(std::string_view pointer) {
    std::vector<std::string> out;
    if (!is_utf8(pointer))
        refuse(pointer, "is not well-formed UTF-8");
    if (!pointer.empty() && pointer.front() != '/')
        refuse(pointer, "has no JSON pointer, which begins with /");
    for (std::size_t i = 0; i < pointer.size(); ++i) {
        if (pointer[i] == '/') {
            out.emplace_back();
        } else if (pointer[i] == '~') {
            const char next = i + 1 < pointer.size() ? pointer[++i] : '\0';
            if (next != '0' && next != '1')
                refuse(pointer, "has no JSON pointer: ~ is written ~0, and / in a name ~1");
            out.back() += next == '0' ? '~' : '/';
        } else {
            out.back() += pointer[i];
        }
    }
    return out;
}

std::optional<std::uint64_t> array_place(const std::string& step) {
    const bool is_canonical = step.size() == 1 || (!step.empty() && step.front() != '0');
    if (!is_canonical || step.size() > 18)
        return {};
    std::uint64_t out = 0;
    for (const char c : step) {
        if (c < '0' || c > '9')
            return {};
        out = out * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return out;
}

/// To the item that the step leads to; whether there is one.
bool descend(cbor_reader& in, const std::string& step) {
    switch (in.peek()) {
    case cbor_kind::map:
        for (auto left = in.begin_map(); left > 0; --left) {
            if (in.read_text() == step)
                return true;
            in.skip();
        }
        return false;
    case cbor_kind::array: {
        const auto place = array_place(step);
        const auto count = in.begin_array();
        if (!place || *place >= count)
            return false;
        for (auto left = *place; left > 0; --left)
            in.skip();
        return true;
    }
    default:
        return false;
    }
}

// ---- order

using order = std::partial_ordering;

order against(std::uint64_t a, double b) {
    if (std::isnan(b))
        return order::unordered;
    if (b < 0)
        return order::greater;
    if (b >= 18446744073709551616.0) // 2^64
        return order::less;
    const auto whole = static_cast<std::uint64_t>(b); // towards zero
    if (a != whole)
        return a <=> whole;
    return b > static_cast<double>(whole) ? order::less : order::equivalent;
}

order reversed(order o) {
    return 0 <=> o;
}

/// `a` is the size of a negative number, at least 1.
order negative_against(std::uint64_t a, double b) {
    return reversed(against(a, -b));
}

/// A number of the profile.
struct number {
    bool is_floating{};
    bool is_negative{};
    std::uint64_t size{};
    double floating{};
};

number number_of(std::int64_t n) {
    return n < 0 ? number{.is_negative = true, .size = ~static_cast<std::uint64_t>(n) + 1}
                 : number{.size = static_cast<std::uint64_t>(n)};
}

order compare(const number& a, const number& b) {
    if (a.is_floating && b.is_floating)
        return a.floating <=> b.floating;
    if (a.is_floating)
        return reversed(compare(b, a));
    if (b.is_floating)
        return a.is_negative ? negative_against(a.size, b.floating) : against(a.size, b.floating);
    if (a.is_negative != b.is_negative)
        return a.is_negative ? order::less : order::greater;
    return a.is_negative ? b.size <=> a.size : a.size <=> b.size;
}

std::optional<number> number_of(const payload_value& v) {
    if (const auto* n = std::get_if<std::int64_t>(&v.get()))
        return number_of(*n);
    if (const auto* n = std::get_if<std::uint64_t>(&v.get()))
        return number{.size = *n};
    if (const auto* n = std::get_if<double>(&v.get()))
        return number{.is_floating = true, .floating = *n};
    return {};
}

number read_number(cbor_reader& in, cbor_kind kind) {
    if (kind == cbor_kind::floating)
        return {.is_floating = true, .floating = in.read_floating()};
    if (kind == cbor_kind::negative_integer)
        return number_of(in.read_integer<std::int64_t>());
    return {.size = in.read_integer<std::uint64_t>()};
}

/// How the item compares with the value; unordered where it is of another kind.
order compare(bytes_view item, const payload_value& with) {
    cbor_reader in{item};
    if (const auto* whole = std::get_if<payload_value::encoded>(&with.get()))
        return std::ranges::equal(item, whole->item) ? order::equivalent : order::unordered;
    const auto kind = in.peek();
    switch (kind) {
    case cbor_kind::unsigned_integer:
    case cbor_kind::negative_integer:
    case cbor_kind::floating:
        if (const auto other = number_of(with))
            return compare(read_number(in, kind), *other);
        return order::unordered;
    case cbor_kind::text:
        if (const auto* text = std::get_if<std::string>(&with.get()))
            return in.read_text() <=> std::string_view{*text};
        return order::unordered;
    case cbor_kind::boolean:
        if (const auto* truth = std::get_if<bool>(&with.get()))
            return in.read_boolean() == *truth ? order::equivalent : order::unordered;
        return order::unordered;
    case cbor_kind::null:
        return std::holds_alternative<std::nullptr_t>(with.get()) ? order::equivalent
                                                                  : order::unordered;
    default:
        return order::unordered;
    }
}

bool contains(bytes_view item, const payload_value& what) {
    cbor_reader in{item};
    const auto kind = in.peek();
    if (kind == cbor_kind::text) {
        const auto* part = std::get_if<std::string>(&what.get());
        return part != nullptr && in.read_text().find(*part) != std::string_view::npos;
    }
    if (kind != cbor_kind::array)
        return false;
    for (auto left = in.begin_array(); left > 0; --left) {
        if (is_eq(compare(in.skip(), what)))
            return true;
    }
    return false;
}

bool holds(bytes_view item, comparison op, const payload_value& with) {
    if (op == comparison::contains)
        return contains(item, with);
    const auto found = compare(item, with);
    switch (op) {
    case comparison::not_equal:
        return is_neq(found);
    case comparison::less:
        return is_lt(found);
    case comparison::less_or_equal:
        return is_lteq(found);
    case comparison::greater:
        return is_gt(found);
    case comparison::greater_or_equal:
        return is_gteq(found);
    default:
        return is_eq(found);
    }
}

bool can_be_ordered(const payload_value& v) {
    return number_of(v) || std::holds_alternative<std::string>(v.get());
}

std::string text_of(const payload_value& v) {
    byte_buffer item;
    item.reserve(32);
    if (const auto* whole = std::get_if<payload_value::encoded>(&v.get())) {
        item = whole->item;
    } else {
        cbor_writer out{item};
        if (const auto* truth = std::get_if<bool>(&v.get()))
            out.write_boolean(*truth);
        else if (const auto* negative = std::get_if<std::int64_t>(&v.get()))
            out.write_integer(*negative);
        else if (const auto* natural = std::get_if<std::uint64_t>(&v.get()))
            out.write_integer(*natural);
        else if (const auto* floating = std::get_if<double>(&v.get()))
            out.write_floating(*floating);
        else if (const auto* text = std::get_if<std::string>(&v.get()))
            out.write_text(*text);
        else
            out.write_null();
        out.finish();
    }
    return json_text_from_cbor(item);
}

} // namespace

std::string_view to_text(comparison op) noexcept {
    switch (op) {
    case comparison::equal:
        return "=";
    case comparison::not_equal:
        return "!=";
    case comparison::less:
        return "<";
    case comparison::less_or_equal:
        return "<=";
    case comparison::greater:
        return ">";
    case comparison::greater_or_equal:
        return ">=";
    case comparison::contains:
        return "contains";
    }
    return "?";
}

payload_condition::payload_condition(
    std::string_view pointer, comparison op, std::vector<payload_value> values
)
    : pointer_{pointer}
    , steps_{steps_of(pointer)}
    , op_{op}
    , values_{std::move(values)} {
    if (values_.empty())
        refuse(pointer, "has no value to compare with");
    for (const auto& value : values_) {
        const auto* text = std::get_if<std::string>(&value.get());
        if (text != nullptr && !is_utf8(*text))
            refuse(pointer, "compares with a text that is not well-formed UTF-8");
        if (const auto* whole = std::get_if<payload_value::encoded>(&value.get()))
            validate_item(whole->item);
    }
    const bool is_any_order =
        op == comparison::equal || op == comparison::not_equal || op == comparison::contains;
    if (!is_any_order && !std::ranges::all_of(values_, can_be_ordered))
        refuse(pointer, "asks for an order, which only numbers and texts have");
}

bool payload_condition::holds_for(bytes_view payload) const {
    cbor_reader in{payload};
    for (const auto& step : steps_) {
        if (!descend(in, step))
            return false;
    }
    const auto item = in.skip();
    const auto holds_with = [&](const payload_value& v) { return holds(item, op_, v); };
    return op_ == comparison::not_equal ? std::ranges::all_of(values_, holds_with)
                                        : std::ranges::any_of(values_, holds_with);
}

std::string payload_condition::to_string() const {
    auto out = printable(pointer_) + ' ' + std::string{to_text(op_)};
    const char* between = " ";
    for (const auto& value : values_) {
        out += between;
        out += printable(text_of(value));
        between = " or ";
    }
    return out;
}

} // namespace everfold
