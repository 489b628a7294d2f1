// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/where.hpp>
#include <everfold/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace everfold::cli {

namespace {

constexpr std::string_view blanks = " \t";

class where_parser {
public:
    explicit where_parser(std::string_view text)
        : text_{text} {}

    payload_condition parse() {
        if (!is_utf8(text_))
            throw usage_error{
                fmt::format("--where '{}' is not well-formed UTF-8", printable(text_))};
        skip_blanks();
        const auto pointer_at = at_;
        const auto pointer = take_pointer();
        skip_blanks();
        const auto op_at = at_;
        const auto op = take_operator();
        if (!op)
            fail(op_at, "one of = != < <= > >= contains is missing");
        skip_blanks();
        const auto value_at = at_;
        auto values = take_values(*op);
        // Which of the two is wrong, if one is.
        try {
            static_cast<void>(payload_condition{pointer, comparison::equal, {nullptr}});
        } catch (const error&) {
            fail(pointer_at, "no JSON pointer: ~ is written ~0 and / in a name ~1");
        }
        try {
            return {pointer, *op, std::move(values)};
        } catch (const error&) {
            fail(value_at, "only numbers and texts are less or greater than others");
        }
    }

private:
    void skip_blanks() { at_ = std::min(text_.find_first_not_of(blanks, at_), text_.size()); }

    [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }

    std::string take_pointer() {
        if (rest().starts_with('"'))
            return take_quoted();
        if (!rest().starts_with('/'))
            fail(at_, "a JSON pointer is missing, such as /address/city");
        const auto end = std::min(text_.find_first_of(" \t=!<>", at_), text_.size());
        std::string out{text_.substr(at_, end - at_)};
        at_ = end;
        return out;
    }

    std::string take_quoted() {
        const auto begin = at_;
        auto end = begin + 1;
        while (end < text_.size() && text_[end] != '"')
            end += text_[end] == '\\' ? 2 : 1;
        if (end >= text_.size())
            fail(begin, "the closing \" is missing");
        at_ = end + 1;
        try {
            return parse_json(text_.substr(begin, at_ - begin)).get<std::string>();
        } catch (const error&) {
            fail(begin, "what stands in quotes is no text as JSON writes it");
        }
    }

    std::optional<comparison> take_operator() {
        // The longer ones first.
        constexpr std::array all{
            comparison::not_equal,
            comparison::less_or_equal,
            comparison::greater_or_equal,
            comparison::equal,
            comparison::less,
            comparison::greater,
            comparison::contains};
        for (const auto op : all) {
            const auto word = to_text(op);
            if (!rest().starts_with(word))
                continue;
            const auto behind = rest().substr(word.size());
            if (op == comparison::contains && blanks.find(behind.substr(0, 1)) == blanks.npos)
                continue;
            at_ += word.size();
            return op;
        }
        return {};
    }

    std::vector<payload_value> take_values(comparison op) {
        const auto value = rest();
        std::vector<payload_value> out;
        std::optional<nlohmann::ordered_json> json;
        try {
            if (!value.empty())
                json = parse_json(value);
        } catch (const error&) {
            if (value.front() == '"')
                fail(at_, "what stands in quotes is no text as JSON writes it");
        }
        if (!value.empty() &&
            std::string_view{"=!<>"}.find(value.front()) != std::string_view::npos)
            fail(at_, "there is no such operator; a text that begins so stands in quotes");
        if (value.empty() && op != comparison::equal && op != comparison::not_equal)
            fail(at_, "a value is missing");
        if (json)
            out.push_back(value_of(*json));
        const bool has_order =
            op != comparison::equal && op != comparison::not_equal && op != comparison::contains;
        if (!json || (!json->is_string() && !has_order))
            out.emplace_back(value);
        return out;
    }

    static payload_value value_of(const nlohmann::ordered_json& json) {
        if (json.is_null())
            return nullptr;
        if (json.is_boolean())
            return json.get<bool>();
        if (json.is_number_unsigned())
            return json.get<std::uint64_t>();
        if (json.is_number_integer())
            return json.get<std::int64_t>();
        if (json.is_number_float())
            return json.get<double>();
        if (json.is_string())
            return json.get<std::string>();
        payload_value::encoded whole;
        whole.item.reserve(64);
        cbor_from_json(json, whole.item);
        return whole;
    }

    [[noreturn]] void fail(std::size_t at, std::string_view what) const {
        const auto before = text_.substr(0, std::min(at, text_.size()));
        const auto characters = std::ranges::count_if(before, [](char c) {
            return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
        });
        throw usage_error{fmt::format(
            "--where '{}', at character {}: {}", printable(text_), characters + 1, what
        )};
    }

    std::string_view text_;
    std::size_t at_{};
};

} // namespace

payload_condition parse_where(std::string_view text) {
    return where_parser{text}.parse();
}

} // namespace everfold::cli
