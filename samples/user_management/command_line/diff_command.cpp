// SPDX-License-Identifier: MIT
// diff: what is different between the users of two moments.

#include "../canonical.hpp"
#include "../user_management.hpp"
#include "commands.hpp"

#include <everfold/aggregate/as_of.hpp>
#include <everfold/aggregate/diff.hpp>

namespace users {

namespace {

everfold::tint tint_of(const output& out) {
    constexpr std::string_view any = "x";
    return out.in(colour::red, any) == any ? everfold::tint::plain : everfold::tint::ansi;
}

} // namespace

void show_diff(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::read_only);
    const auto from = position_of(store, args.when);
    const auto to = position_of(store, args.until);
    auto repository = repository_of(store);
    const auto before = repository.load(users_stream, everfold::as_of{from});
    const auto after = repository.load(users_stream, everfold::as_of{to});
    const auto changes = changes_between(before.state(), after.state());
    if (args.as_json)
        return out.write_json_line(everfold::json_patch(changes));
    out.print(
        "{}\n",
        out.in(
            colour::dim,
            fmt::format(
                "From position {} to position {}",
                with_thousands(from.value()),
                with_thousands(to.value())
            )
        )
    );
    out.write(everfold::to_text(changes, tint_of(out)));
    out.print("{}\n", counted(changes.size(), "change"));
}

} // namespace users
