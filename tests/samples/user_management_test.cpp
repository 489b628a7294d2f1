// SPDX-License-Identifier: MIT
// The library part of the sample on a store in memory: the decisions and the fold.

#include <everfold/aggregate/as_of.hpp>
#include <everfold/store/open.hpp>

#include <canonical.hpp>
#include <doctest/doctest.h>
#include <tutorial_format.hpp>
#include <user_management.hpp>

#include <cstdint>
#include <string>

namespace {

using users::user_management;

struct fixture {
    everfold::store store{everfold::open("memory:")};
    users::user_repository repository{users::repository_of(store)};

    void create(std::int64_t id, const std::string& name) {
        repository.update(users::users_stream, [&](user_management& u) {
            u.create_user(id, name);
        });
    }

    void update(std::int64_t id, const char* fields) {
        const auto changes = users::update_of(id, nlohmann::ordered_json::parse(fields));
        repository.update(users::users_stream, [&](user_management& u) { u.update_user(changes); });
    }

    void remove(std::int64_t id) {
        repository.update(users::users_stream, [&](user_management& u) { u.delete_user(id); });
    }

    void import_line(const std::string& type, const std::string& data) {
        everfold::append_request request;
        request.streams.push_back(
            {users::users_stream,
             everfold::expected_revision::any(),
             {users::event_from_line(
                 R"({"timestamp":5,"event_type":")" + type + R"(","data":)" + data + "}"
             )}}
        );
        CHECK(store.append(request).is_appended());
    }

    std::string canonical(std::int64_t id) {
        return users::canonical_json(repository.load(users::users_stream).state().users.at(id));
    }

    std::uint64_t count() { return store.end().value(); }
};

} // namespace

TEST_CASE("decisions refuse what can't be and record nothing then") {
    fixture f;
    f.create(1, "Ada");
    CHECK_THROWS_AS(f.create(1, "Eve"), users::user_exists);
    CHECK_THROWS_AS(f.update(2, R"({"name":"Eve"})"), users::no_such_user);
    CHECK_THROWS_AS(f.remove(2), users::no_such_user);
    CHECK(f.count() == 1);
    f.remove(1);
    CHECK_THROWS_AS(f.remove(1), users::no_such_user);
    f.create(1, "Eve");
    CHECK(f.count() == 3);
}

TEST_CASE("an update may set what is not reserved and fits its field") {
    for (const auto* fields :
         {R"({"user_id":2})", R"({"created_at":2})", R"({"name":5})", R"({"phone":[]})"}) {
        CAPTURE(fields);
        const auto set = nlohmann::ordered_json::parse(fields);
        CHECK_THROWS_AS(static_cast<void>(users::update_of(1, set)), users::refused);
    }
    const auto update =
        users::update_of(1, nlohmann::ordered_json::parse(R"({"email":null,"nick":{"a":1}})"));
    CHECK(update.user_id == 1);
    CHECK(update.email.is_null());
    CHECK(update.phone.is_absent());
    CHECK(update.unknown.contains("nick"));
}

TEST_CASE("an update merges every field, also those that no struct names") {
    fixture f;
    f.create(1, "Ada");
    f.update(1, R"({"phone":"1","nick":"Al","name":null})");
    f.update(1, R"({"phone":null,"nick":[1.0,null],"other":true})");
    const auto created_at = f.repository.load(users::users_stream).state().users.at(1).created_at;
    CHECK(
        f.canonical(1) == R"({"created_at":)" + std::to_string(created_at) +
                              R"(,"email":null,"name":null,"nick":[1.0,null],"other":true,)" +
                              R"("phone":null,"user_id":1})"
    );
}

TEST_CASE("history is folded as it happened, whether or not it could have been decided") {
    fixture f;
    f.import_line("user_updated", R"({"user_id":1,"name":"nobody"})");
    f.import_line("user_deleted", R"({"user_id":1})");
    f.import_line(
        "user_created", R"({"user_id":1,"name":"a","email":"e","created_at":9,"nick":"n"})"
    );
    CHECK(f.canonical(1) == R"({"created_at":5,"email":"e","name":"a","user_id":1})");
    f.import_line("user_updated", R"({"user_id":1,"created_at":"never"})");
    CHECK(f.canonical(1) == R"({"created_at":"never","email":"e","name":"a","user_id":1})");
    f.import_line("user_seen", R"({"user_id":1})");
    f.import_line("user_created", R"({"user_id":1,"name":"b"})");
    CHECK(f.canonical(1) == R"({"created_at":5,"email":null,"name":"b","user_id":1})");
    CHECK(f.count() == 6);
}

TEST_CASE("a state survives its snapshot, with every odd value in it") {
    fixture f;
    f.create(1, "Zo\u00eb");
    f.update(1, R"({"phone":null,"nick":[1.0,{"a":18446744073709551615}],"email":"x"})");
    f.create(-5, "");
    const auto before = f.repository.load(users::users_stream).state();
    f.repository.snapshot(users::users_stream);
    auto fresh = users::repository_of(f.store);
    CHECK(fresh.load(users::users_stream).state() == before);
    CHECK(fresh.stats().snapshots_used == 1);
    f.repository.compact(users::users_stream);
    CHECK(users::repository_of(f.store).load(users::users_stream).state() == before);
    const auto first = fresh.load(users::users_stream, everfold::as_of{everfold::position{0}});
    CHECK(first.state().users.size() == 1);
    CHECK_FALSE(first.state().users.at(1).email);
}
