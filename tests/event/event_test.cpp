// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

#include <doctest/doctest.h>

#include <map>

namespace {

struct user_created {
    static constexpr std::string_view event_type = "user_created";
    std::int64_t user_id{};
    std::string name{};
    std::optional<std::string> email{};
    static constexpr auto event_tags = everfold::tagged("user", &user_created::user_id);
};

struct user_updated {
    static constexpr std::string_view event_type = "user_updated";
    static constexpr std::uint32_t event_version = 3;
    static constexpr std::uint32_t oldest_version = 3;
    std::int64_t user_id{};
    everfold::patch<std::string> name{}, email{}, phone{};
};

struct user_deleted {
    static constexpr std::string_view event_type = "user_deleted";
    std::int64_t user_id{};
};

enum class priority { low, high };

struct order_placed {
    static constexpr std::string_view event_type = "order_placed";
    std::string customer{};
    std::vector<everfold::uuid> items{};
    std::optional<int> table{};
    everfold::patch<std::string> note{};
    priority urgency{};
    bool is_paid{};
    static constexpr auto event_tags = std::tuple{
        everfold::tagged("customer", &order_placed::customer),
        everfold::tagged("item", &order_placed::items),
        everfold::tagged("table", &order_placed::table),
        everfold::tagged("note", &order_placed::note),
        everfold::tagged("urgency", &order_placed::urgency),
        everfold::tagged("paid", &order_placed::is_paid)};
};

struct user {
    std::string name{};
    everfold::timestamp created_at{};
};

struct user_directory {
    using events = everfold::events<user_created, user_updated, user_deleted>;

    std::map<std::int64_t, user> users{};
    int last_apply{};

    void apply(const user_created& e, const everfold::event_info& info) {
        users[e.user_id] = {e.name, info.occurred_at};
        last_apply = 1;
    }

    void apply(const user_updated& e) noexcept {
        if (const auto found = users.find(e.user_id); found != users.end())
            e.name.apply_to(found->second.name);
        last_apply = 2;
    }

    void apply(const user_deleted&) { last_apply = 3; }

    void apply(const user_deleted& e, const everfold::event_info&) {
        users.erase(e.user_id);
        last_apply = 4;
    }
};

struct converting {
    converting(const user_created&) {}
};

struct converts_only {
    using events = everfold::events<user_created>;

    void apply(const converting&) {}
};

class hides_it {
public:
    using events = everfold::events<user_created>;

private:
    void apply(const user_created&) {}
};

struct generic {
    using events = everfold::events<user_created, user_deleted>;
    int applied{};

    template <class E>
    void apply(const E&) {
        ++applied;
    }
};

struct without_name {
    int x{};
};

} // namespace

static_assert(everfold::event<user_created>);
static_assert(!everfold::event<without_name>);
static_assert(!everfold::event<int>);
static_assert(everfold::event_type_of<user_created> == "user_created");
static_assert(everfold::event_version_of<user_created> == 1);
static_assert(everfold::event_version_of<user_updated> == 3);

static_assert(user_directory::events::size == 3);
static_assert(user_directory::events::contains<user_deleted>);
static_assert(!user_directory::events::contains<order_placed>);
static_assert(user_directory::events::index_of<user_updated> == 1);
static_assert(user_directory::events::index_of<order_placed> == 3);
static_assert(std::is_same_v<user_directory::events::at<2>, user_deleted>);
static_assert(everfold::events<>::size == 0);

static_assert(everfold::fold_state<user_directory>);
static_assert(everfold::explain_fold<user_directory>());
static_assert(!everfold::fold_state<user>);
static_assert(everfold::applies<user_directory, user_created>);
static_assert(!everfold::applies<user_directory, order_placed>);
static_assert(!everfold::applies<converts_only, user_created>);
static_assert(!everfold::applies<hides_it, user_created>);
static_assert(everfold::explain_fold<generic>());

TEST_CASE("tags are made from the members that the event names") {
    CHECK(everfold::tags_of(user_created{.user_id = 123}) == std::vector<std::string>{"user:123"});
    CHECK(everfold::tags_of(user_created{.user_id = -1}) == std::vector<std::string>{"user:-1"});
    CHECK(everfold::tags_of(user_deleted{.user_id = 1}).empty());
}

TEST_CASE("several tags come in their order, containers make one each, what is absent makes none") {
    const auto id = everfold::uuid{};
    CHECK(
        everfold::tags_of(order_placed{
            .customer = "a:b", .items = {id, id}, .urgency = priority::high}) ==
        std::vector<std::string>{
            "customer:a:b",
            "item:00000000-0000-0000-0000-000000000000",
            "item:00000000-0000-0000-0000-000000000000",
            "urgency:1",
            "paid:false"}
    );
    std::vector<std::string> tags{"kept:1"};
    everfold::append_tags(order_placed{.table = 4, .note = "n", .is_paid = true}, tags);
    CHECK(
        tags ==
        std::vector<std::string>{
            "kept:1", "customer:", "table:4", "note:n", "urgency:0", "paid:true"}
    );
}

TEST_CASE("a tag looks the same when it is made for a query") {
    CHECK(everfold::make_tag("user", 123) == "user:123");
    CHECK(everfold::make_tag("user", std::int64_t{123}) == "user:123");
    CHECK(everfold::make_tag("name", "text") == "name:text");
    CHECK(everfold::make_tag("name", std::string_view{"text"}) == "name:text");
    CHECK(everfold::make_tag("at", everfold::position{5}) == "at:5");
    CHECK(everfold::make_tag("day", everfold::timestamp{}) == "day:1970-01-01T00:00:00.000Z");
}

TEST_CASE("apply_event calls the apply of exactly that event, with the info where it is wanted") {
    user_directory state{};
    const everfold::event_info info{.stream = "users", .occurred_at = everfold::timestamp{5, 0}};
    everfold::apply_event(state, user_created{.user_id = 1, .name = "A"}, info);
    CHECK(state.last_apply == 1);
    CHECK(state.users.at(1).created_at == everfold::timestamp{5, 0});
    everfold::apply_event(state, user_updated{.user_id = 1, .name = "B"}, info);
    CHECK(state.users.at(1).name == "B");
    everfold::apply_event(state, user_deleted{.user_id = 1}, info);
    CHECK(state.last_apply == 4);
    CHECK(state.users.empty());

    generic counting{};
    everfold::apply_event(counting, user_created{}, info);
    everfold::apply_event(counting, user_deleted{}, info);
    CHECK(counting.applied == 2);
}

TEST_CASE("a list of events can be walked") {
    std::string all;
    user_directory::events::for_each([&]<class E>(std::type_identity<E>) {
        all.append(everfold::event_type_of<E>).append(" ");
    });
    CHECK(all == "user_created user_updated user_deleted ");
}

TEST_CASE("a state is encoded as its members, without its events and functions") {
    user_directory state{};
    everfold::apply_event(state, user_created{.user_id = 7, .name = "A"}, {});
    everfold::byte_buffer bytes;
    everfold::encode(state, bytes);
    CHECK(
        everfold::json_text_from_cbor(bytes) ==
        R"({"users":{"7":{"name":"A","created_at":"1970-01-01T00:00:00.000Z"}},"last_apply":1})"
    );
}
