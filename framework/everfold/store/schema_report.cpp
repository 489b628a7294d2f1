// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/store/schema_report.hpp>

#include <algorithm>
#include <utility>

namespace everfold {
namespace {

std::string named(std::string_view type, std::uint32_t version) {
    return printable(type) + " version " + std::to_string(version);
}

std::string counted(std::uint64_t n, std::string_view noun) {
    return std::to_string(n) + " " + std::string{noun} + (n == 1 ? "" : "s");
}

/// What the program makes of a type and version.
struct verdict {
    schema_match match{};
    std::string how{};
    const known_form* form{}; // null where it is not read
};

class known_forms {
public:
    explicit known_forms(const program_schema& of_program)
        : all_{of_program.forms()} {}

    [[nodiscard]] const std::vector<known_form>& all() const noexcept { return all_; }

    [[nodiscard]] verdict judge(std::string_view type, std::uint32_t version) const {
        const known_form* exact = nullptr;
        const known_form* additive = nullptr;
        const known_form* newest = nullptr;
        std::string read_as;
        for (const auto& form : all_) {
            if (form.type != type)
                continue;
            if (newest == nullptr || form.version > newest->version)
                newest = &form;
            if (form.reads_newer && form.version < version)
                additive = &form;
            if (form.version != version)
                continue;
            exact = exact == nullptr ? &form : exact;
            read_as += (read_as.empty() ? "" : " and ") + named(form.read_as, form.read_as_version);
        }
        if (exact != nullptr)
            return known(*exact, read_as);
        if (additive != nullptr)
            return {
                schema_match::additive,
                "newer than the program, which reads it as " +
                    named(additive->read_as, additive->read_as_version),
                additive};
        if (newest == nullptr)
            return {schema_match::unknown, "the program does not know this type"};
        if (newest->version < version)
            return {
                schema_match::newer,
                "newer than the program, which reads it up to version " +
                    std::to_string(newest->version)};
        return {
            schema_match::no_upcaster,
            "the program reads it in other versions, and has no upcaster from this one"};
    }

private:
    static verdict known(const known_form& form, const std::string& read_as) {
        if (form.steps != 0)
            return {
                schema_match::older,
                "read as " + read_as + ", through " + counted(form.steps, "upcaster"),
                &form};
        if (form.type != form.read_as)
            return {schema_match::former_name, "read as " + read_as + ", its name today", &form};
        return {schema_match::same, "as the program has it", &form};
    }

    std::vector<known_form> all_;
};

/// Compares what was seen with what is read, place by place.
class field_comparison {
public:
    field_comparison(std::span<const seen_field> seen, schema_entry& out)
        : seen_{seen}
        , out_{out} {}

    void compare(const seen_value& value, const value_shape& read) {
        for (const auto kind : all_value_kinds)
            if (value.count(kind) != 0 && !read.kinds.has(kind))
                out_.mismatches.push_back(
                    path_of(value) + ": " + std::string{to_text(kind)} + " in " +
                    std::to_string(value.count(kind)) + " of " + std::to_string(value.count()) +
                    ", the program reads " + to_text(read.kinds)
                );
        if (read.is_open)
            return;
        for (const auto& each : value.elements)
            if (!read.inside.empty())
                compare(each, read.inside.front());
        for (const auto& each : value.by_key) {
            if (!read.inside.empty())
                compare(each, read.inside.front());
            else if (read.kinds.has(value_kind::map))
                out_.notes.push_back(path_of(value) + ": has more names than a struct would");
        }
        for (const auto& each : value.fields)
            compare_field(each, read);
        if (value.count(value_kind::map) == 0 || !value.by_key.empty())
            return;
        for (const auto& field : read.fields)
            if (!field.may_be_absent &&
                std::ranges::find(value.fields, field.name, &seen_value::name) ==
                    value.fields.end())
                out_.notes.push_back(
                    prefix_of(value) + printable(field.name) +
                    ": was never written; the program takes its default"
                );
    }

private:
    void compare_field(const seen_value& field, const value_shape& read) {
        if (!read.inside.empty())
            return compare(field, read.inside.front());
        const auto known = std::ranges::find(read.fields, field.name, &value_shape::name);
        if (known != read.fields.end())
            compare(field, *known);
        else if (read.kinds.has(value_kind::map) && !read.keeps_unknown)
            out_.notes.push_back(path_of(field) + ": is not read by the program");
    }

    [[nodiscard]] std::string path_of(const seen_value& value) const {
        const auto found = std::ranges::find(seen_, &value, &seen_field::value);
        return found != seen_.end() ? found->path : "the data";
    }

    [[nodiscard]] std::string prefix_of(const seen_value& value) const {
        const auto found = std::ranges::find(seen_, &value, &seen_field::value);
        return found != seen_.end() ? found->path + "." : "";
    }

    std::span<const seen_field> seen_;
    schema_entry& out_;
};

schema_entry entry_of(const seen_type& seen, const known_forms& known) {
    auto judged = known.judge(seen.type, seen.version);
    schema_entry out{
        .type = seen.type,
        .version = seen.version,
        .events = seen.events,
        .match = judged.match,
        .how = std::move(judged.how)};
    if (seen.malformed != 0)
        out.mismatches.push_back(
            "the data of " + counted(seen.malformed, "event") + " is not well-formed"
        );
    if (judged.form != nullptr && judged.form->shape && seen.malformed < seen.events) {
        const auto fields = seen.fields();
        field_comparison{fields, out}.compare(seen.data, *judged.form->shape);
    }
    if (seen.has_more)
        out.notes.emplace_back("has too many fields to look at all of them");
    return out;
}

bool can_be_reached(store& s, const stored_type& type) {
    for (const auto& e : s.read(query{}.type(type.name)))
        if (e.version == type.version)
            return true;
    return false;
}

} // namespace

bool schema_report::fits() const noexcept {
    return std::ranges::all_of(entries, [&](const schema_entry& e) {
        return e.mismatches.empty() &&
               (is_read(e.match) || (skips_unknown && e.match == schema_match::unknown));
    });
}

std::string schema_report::to_string() const {
    std::string out;
    for (const auto& e : entries) {
        out += named(e.type, e.version) + ", " + counted(e.events, "event") + ": " + e.how + "\n";
        for (const auto& line : e.mismatches)
            out += "  does not fit: " + line + "\n";
        for (const auto& line : e.notes)
            out += "  " + line + "\n";
    }
    for (const auto& name : unused)
        out += printable(name) + ": not in the log\n";
    return out;
}

schema_report compare_schema(std::span<const seen_type> seen, const program_schema& of_program) {
    const known_forms known{of_program};
    schema_report out{.skips_unknown = of_program.skips_unknown()};
    out.entries.reserve(seen.size());
    for (const auto& type : seen)
        out.entries.push_back(entry_of(type, known));
    for (const auto& form : known.all()) {
        const bool is_in_log = std::ranges::any_of(known.all(), [&](const known_form& other) {
            return other.read_as == form.read_as &&
                   std::ranges::find(seen, other.type, &seen_type::type) != seen.end();
        });
        if (!is_in_log && std::ranges::find(out.unused, form.read_as) == out.unused.end())
            out.unused.emplace_back(form.read_as);
    }
    return out;
}

schema_report compare_schema(store of_log, const program_schema& of_program) {
    const auto seen = read_schema(std::move(of_log));
    return compare_schema(seen, of_program);
}

void require_schema(store of_log, const program_schema& of_program) {
    const known_forms known{of_program};
    std::vector<stored_type> unread;
    std::string why;
    for (const auto& type : of_log.engine().types()) {
        const auto judged = known.judge(type.name, type.version);
        const bool is_skipped = of_program.skips_unknown() && judged.match == schema_match::unknown;
        if (is_read(judged.match) || is_skipped || !can_be_reached(of_log, type))
            continue;
        why += unread.empty() ? judged.how
                              : "; event type '" + printable(type.name) + "' version " +
                                    std::to_string(type.version) + ": " + judged.how;
        unread.push_back(type);
    }
    if (!unread.empty())
        throw schema_error{unread.front().name, unread.front().version, why};
}

} // namespace everfold
