// SPDX-License-Identifier: MIT
// The library part of the sample: the decisions and the fold, in the words of the test kit.

#include <everfold/aggregate/as_of.hpp>
#include <everfold/store/open.hpp>
#include <everfold/testing/kit.hpp>

#include <canonical.hpp>
#include <doctest/doctest.h>
#include <tutorial_format.hpp>
#include <user_management.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>

using everfold::testing::given;
using users::user_created;
using users::user_deleted;
using users::user_directory;
using users::user_management;

namespace {

auto creating(std::int64_t id, const char* name) {
    return [=](user_management& u) { u.create_user(id, name); };
}

auto updating(std::int64_t id, const char* fields) {
    return [=](user_management& u) {
        u.update_user(users::update_of(id, nlohmann::ordered_json::parse(fields)));
    };
}

auto deleting(std::int64_t id) {
    return [=](user_management& u) { u.delete_user(id); };
}

constexpr auto nothing = [](const user_management&) {};

/// An event as an import brings it.
everfold::new_event imported(const std::string& type, const std::string& data) {
    return users::event_from_line(
        R"({"timestamp":5,"event_type":")" + type + R"(","data":)" + data + "}"
    );
}

/// The options of users::repository_of().
constexpr everfold::repository_options skipping{.unknown = everfold::unknown_events::skip};

/// Whether the user's canonical JSON is this.
auto user_is(std::int64_t id, const char* json) {
    return
        [=](const user_directory& now) { CHECK(users::canonical_json(now.users.at(id)) == json); };
}

const user_created ada{.user_id = 1, .name = "Ada"};
const user_created eve{.user_id = 1, .name = "Eve"};

} // namespace

TEST_CASE("decisions refuse what can't be and record nothing then") {
    given<user_management>().when(creating(1, "Ada")).then(ada);
    given<user_management>(ada)
        .when(creating(1, "Eve"))
        .then_refused<users::user_exists>("user 1 exists already");
    given<user_management>(ada)
        .when(updating(2, R"({"name":"Eve"})"))
        .then_refused<users::no_such_user>("there is no user 2");
    given<user_management>(ada).when(deleting(2)).then_refused<users::no_such_user>();
    given<user_management>(ada)
        .when(deleting(1))
        .then(user_deleted{.user_id = 1})
        .then_state(user_directory{});
    given<user_management>(ada, user_deleted{.user_id = 1})
        .when(deleting(1))
        .then_refused<users::no_such_user>("there is no user 1");
    given<user_management>(ada, user_deleted{.user_id = 1}).when(creating(1, "Eve")).then(eve);
}

TEST_CASE("an update may set what is not reserved and fits its field") {
    for (const auto* fields :
         {R"({"user_id":2})", R"({"created_at":2})", R"({"name":5})", R"({"phone":[]})"}) {
        CAPTURE(fields);
        given<user_management>(ada).when(updating(1, fields)).then_refused<users::refused>();
    }
    const auto update =
        users::update_of(1, nlohmann::ordered_json::parse(R"({"email":null,"nick":{"a":1}})"));
    CHECK(update.user_id == 1);
    CHECK(update.email.is_null());
    CHECK(update.phone.is_absent());
    CHECK(update.unknown.contains("nick"));
}

TEST_CASE("an update merges every field, also those that no struct names") {
    const auto first = users::update_of(
        1, nlohmann::ordered_json::parse(R"({"phone":"1","nick":"Al","name":null})")
    );
    const auto* second = R"({"phone":null,"nick":[1.0,null],"other":true})";
    given<user_management>(everfold::testing::at(everfold::timestamp{7, 0}, ada), first)
        .when(updating(1, second))
        .then(users::update_of(1, nlohmann::ordered_json::parse(second)))
        .then_state(user_is(
            1,
            R"({"created_at":7000,"email":null,"name":null,"nick":[1.0,null],"other":true,)"
            R"("phone":null,"user_id":1})"
        ));
}

TEST_CASE("history is folded as it happened, whether or not it could have been decided") {
    const auto update_of_nobody = imported("user_updated", R"({"user_id":1,"name":"nobody"})");
    const auto deletion_of_nobody = imported("user_deleted", R"({"user_id":1})");
    const auto creation = imported(
        "user_created", R"({"user_id":1,"name":"a","email":"e","created_at":9,"nick":"n"})"
    );
    const auto odd_update = imported("user_updated", R"({"user_id":1,"created_at":"never"})");
    given<user_management>(update_of_nobody, deletion_of_nobody, creation)
        .when(nothing)
        .then_state(user_is(1, R"({"created_at":5,"email":"e","name":"a","user_id":1})"));
    given<user_management>(creation, odd_update)
        .when(nothing)
        .then_state(user_is(1, R"({"created_at":"never","email":"e","name":"a","user_id":1})"));
    given<user_management>(
        creation,
        odd_update,
        imported("user_seen", R"({"user_id":1})"),
        imported("user_created", R"({"user_id":1,"name":"b"})")
    )
        .with(skipping)
        .when(nothing)
        .then_nothing()
        .then_state(user_is(1, R"({"created_at":5,"email":null,"name":"b","user_id":1})"));
}

TEST_CASE("the directory folds as a state must, and its snapshots have the layout of before") {
    everfold::testing::check_state<user_directory>(
        {},
        std::getenv("EVERFOLD_SOURCE_ROOT") + std::string{"/tests/samples/user_directory.layout"}
    );
}

TEST_CASE("a state survives its snapshot, with every odd value in it") {
    auto store = everfold::open("memory:");
    auto repository = users::repository_of(store);
    repository.update(users::users_stream, creating(1, "Zo\u00eb"));
    repository.update(
        users::users_stream,
        updating(1, R"({"phone":null,"nick":[1.0,{"a":18446744073709551615}],"email":"x"})")
    );
    repository.update(users::users_stream, creating(-5, ""));
    const auto before = repository.load(users::users_stream).state();
    repository.snapshot(users::users_stream);
    auto fresh = users::repository_of(store);
    CHECK(fresh.load(users::users_stream).state() == before);
    CHECK(fresh.stats().snapshots_used == 1);
    repository.compact(users::users_stream);
    CHECK(users::repository_of(store).load(users::users_stream).state() == before);
    const auto first = fresh.load(users::users_stream, everfold::as_of{everfold::position{0}});
    CHECK(first.state().users.size() == 1);
    CHECK_FALSE(first.state().users.at(1).email);
}
