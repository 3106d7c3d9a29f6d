#include "check.h"

#include "broker/group.h"

/* ---- A group whose answers and records are kept, on a clock that the test moves ---- */

#define WAITERS 16

struct answer {
    bool came;
    enum status status;
    int32_t generation;
    char member_id[64];
    char leader[64];
    char protocol[32];
    char assignment[32];
    size_t members;
    bool skip;
};

struct room {
    struct group_owner owner;
    struct group *group;
    int64_t now_ms;
    struct answer answers[WAITERS]; /* by number; waiter i is &answers[i] */
    uint64_t ticket;                /* of the last store */
    size_t stores;
    uint8_t next_uuid;
};

static void text_keep(char *to, size_t size, struct slice text)
{
    (void)snprintf(to, size, "%.*s", (int)text.size, text.data == NULL ? "" : (const char *)text.data);
}

static void on_joined(void *context, void *waiter, const struct group_join_answer *answer)
{
    struct answer *kept = waiter;

    (void)context;
    assert_false(kept->came); /* nobody is answered twice */
    kept->came = true;
    kept->status = answer->status;
    kept->generation = answer->generation;
    kept->skip = answer->skip_assignment;
    kept->members = answer->with_members ? group_member_count(answer->group) : 0;
    text_keep(kept->member_id, sizeof(kept->member_id), answer->member_id);
    text_keep(kept->leader, sizeof(kept->leader), answer->leader);
    text_keep(kept->protocol, sizeof(kept->protocol), answer->protocol_name);
}

static void on_synced(void *context, void *waiter, const struct group_sync_answer *answer)
{
    struct answer *kept = waiter;

    (void)context;
    assert_false(kept->came);
    kept->came = true;
    kept->status = answer->status;
    text_keep(kept->assignment, sizeof(kept->assignment), answer->assignment);
}

static void on_store(void *context, struct group *group, uint64_t ticket)
{
    struct room *room = context;

    (void)group;
    room->ticket = ticket;
    room->stores++;
}

static int64_t wall_ms(void *context)
{
    return ((struct room *)context)->now_ms + 1700000000000;
}

static struct uuid new_uuid(void *context)
{
    struct uuid uuid = {{0}};

    uuid.bytes[15] = ++((struct room *)context)->next_uuid;
    return uuid;
}

static void room_init(struct room *room, int32_t delay_ms)
{
    memset(room, 0, sizeof(*room));
    room->owner = (struct group_owner){on_joined, on_synced, on_store, wall_ms, new_uuid, room, delay_ms, 1000};
    room->group = group_create(slice_from_string("g"), &room->owner);
    room->now_ms = 1000;
}

static void room_finish(struct room *room)
{
    group_destroy(room->group);
}

struct who {
    const char *member;
    const char *instance;
    const char *metadata; /* of protocol "range" */
    bool id_required;
    bool knows_skip;
};

static struct answer *join(struct room *room, int number, struct who who)
{
    struct group_protocol protocol = {slice_from_string("range"), slice_from_string(who.metadata == NULL ? "m" : who.metadata)};
    struct group_join asked = {
        .member_id = slice_from_string(who.member),
        .instance_id = slice_from_string(who.instance),
        .client_id = slice_from_string("c"),
        .client_host = slice_from_string("/127.0.0.1"),
        .protocol_type = slice_from_string("consumer"),
        .protocols = &protocol,
        .protocol_count = 1,
        .session_timeout_ms = 10000,
        .rebalance_timeout_ms = 60000,
        .member_id_required = who.id_required,
        .knows_skip_assignment = who.knows_skip,
        .waiter = &room->answers[number],
    };

    room->answers[number] = (struct answer){0};
    if (who.member == NULL)
        asked.member_id = slice_of("", 0);
    group_join(room->group, &asked, room->now_ms);
    return &room->answers[number];
}

static struct answer *sync_as(struct room *room, int number, const char *member, int32_t generation, const char *const pairs[][2],
                              size_t count)
{
    struct group_assignment assignments[8];
    struct group_sync asked = {
        .member_id = slice_from_string(member),
        .instance_id = slice_null(),
        .generation = generation,
        .assignments = assignments,
        .assignment_count = count,
        .waiter = &room->answers[number],
    };

    for (size_t i = 0; i < count; i++)
        assignments[i] = (struct group_assignment){slice_from_string(pairs[i][0]), slice_from_string(pairs[i][1])};
    room->answers[number] = (struct answer){0};
    group_sync(room->group, &asked, room->now_ms);
    return &room->answers[number];
}

static enum status beat(struct room *room, const char *member, int32_t generation)
{
    return group_heartbeat(room->group, slice_from_string(member), slice_null(), generation, room->now_ms);
}

static void pass(struct room *room, int64_t ms)
{
    int64_t end_ms = room->now_ms + ms;

    while (group_next_tick(room->group) <= end_ms) {
        room->now_ms = group_next_tick(room->group);
        group_tick(room->group, room->now_ms);
    }
    room->now_ms = end_ms;
}

/* One member, joined, synced, stable: gives its id. */
static const char *stable_alone(struct room *room)
{
    static char id[64];
    struct answer *joined = join(room, 0, (struct who){0});
    const char *pairs[][2] = {{id, "all"}};

    pass(room, room->owner.initial_rebalance_delay_ms);
    assert_true(joined->came);
    (void)snprintf(id, sizeof(id), "%s", joined->member_id);
    (void)sync_as(room, 1, id, joined->generation, pairs, 1);
    group_stored(room->group, room->ticket, OK, room->now_ms);
    assert_string_equal(room->answers[1].assignment, "all");
    assert_int_equal(group_state_of(room->group), GROUP_STABLE);
    return id;
}

/* ---- Tests ---- */

TEST(a_first_member_is_told_its_id_and_comes_back_with_it)
{
    struct room room;
    struct answer *answer;
    char id[64];

    room_init(&room, 0);
    answer = join(&room, 0, (struct who){.id_required = true});
    assert_int_equal(answer->status, ERROR_MEMBER_ID_REQUIRED);
    assert_string_equal(answer->member_id, "c-00000000-0000-0000-0000-000000000001");
    assert_int_equal(group_member_count(room.group), 0);
    (void)snprintf(id, sizeof(id), "%s", answer->member_id);
    answer = join(&room, 1, (struct who){.member = id, .id_required = true});
    assert_int_equal(answer->status, OK);
    assert_int_equal(answer->generation, 1);
    assert_string_equal(answer->leader, id);
    assert_string_equal(answer->protocol, "range");
    assert_int_equal(answer->members, 1);
    room_finish(&room);
}

TEST(an_id_that_nobody_comes_back_with_is_forgotten)
{
    struct room room;
    struct answer *answer;
    char id[64];

    room_init(&room, 0);
    answer = join(&room, 0, (struct who){.id_required = true});
    (void)snprintf(id, sizeof(id), "%s", answer->member_id);
    pass(&room, 10001);
    answer = join(&room, 1, (struct who){.member = id, .id_required = true});
    assert_int_equal(answer->status, ERROR_UNKNOWN_MEMBER_ID);
    assert_int_equal(group_next_tick(room.group), INT64_MAX);
    room_finish(&room);
}

TEST(members_that_come_during_the_initial_delay_share_one_generation)
{
    struct room room;
    struct answer *first, *second;

    room_init(&room, 3000);
    first = join(&room, 0, (struct who){0});
    pass(&room, 2000);
    second = join(&room, 1, (struct who){0});
    pass(&room, 1500);
    assert_false(first->came); /* the second one put it off by another delay */
    pass(&room, 2500);
    assert_true(first->came && second->came);
    assert_int_equal(first->generation, 1);
    assert_int_equal(second->generation, 1);
    assert_int_equal(first->members, 2);
    assert_int_equal(second->members, 0);
    assert_string_equal(second->leader, first->member_id);
    room_finish(&room);
}

TEST(a_follower_waits_for_the_leaders_assignment_to_be_durable)
{
    struct room room;
    char leader[64], follower[64];
    struct answer *answer;

    room_init(&room, 10);
    (void)join(&room, 0, (struct who){0});
    (void)join(&room, 1, (struct who){0});
    pass(&room, 100);
    (void)snprintf(leader, sizeof(leader), "%s", room.answers[0].member_id);
    (void)snprintf(follower, sizeof(follower), "%s", room.answers[1].member_id);
    answer = sync_as(&room, 2, follower, 1, NULL, 0);
    assert_false(answer->came);
    (void)sync_as(&room, 3, leader, 1, (const char *const[][2]){{leader, "a"}, {follower, "b"}}, 2);
    assert_false(answer->came);
    assert_int_equal(room.stores, 1);
    group_stored(room.group, room.ticket, OK, room.now_ms);
    assert_string_equal(answer->assignment, "b");
    assert_string_equal(room.answers[3].assignment, "a");
    assert_int_equal(group_state_of(room.group), GROUP_STABLE);
    room_finish(&room);
}

TEST(an_assignment_that_cannot_be_stored_makes_the_members_rejoin)
{
    struct room room;
    char id[64];

    room_init(&room, 0);
    (void)snprintf(id, sizeof(id), "%s", join(&room, 0, (struct who){0})->member_id);
    (void)sync_as(&room, 1, id, 1, (const char *const[][2]){{id, "a"}}, 1);
    group_stored(room.group, room.ticket, ERROR_DISK_FULL, room.now_ms);
    assert_int_equal(room.answers[1].status, ERROR_NOT_COORDINATOR);
    assert_int_equal(group_state_of(room.group), GROUP_PREPARING);
    assert_int_equal(join(&room, 2, (struct who){.member = id})->generation, 2);
    room_finish(&room);
}

TEST(a_second_member_makes_the_first_one_rejoin)
{
    struct room room;
    const char *id;
    struct answer *second, *first;

    room_init(&room, 0);
    id = stable_alone(&room);
    second = join(&room, 2, (struct who){0});
    assert_false(second->came);
    assert_int_equal(beat(&room, id, 1), ERROR_REBALANCE_IN_PROGRESS);
    first = join(&room, 3, (struct who){.member = id});
    assert_true(first->came && second->came);
    assert_int_equal(second->generation, 2);
    assert_int_equal(first->members, 2);
    assert_string_equal(second->leader, id);
    assert_int_equal(beat(&room, id, 1), ERROR_ILLEGAL_GENERATION);
    assert_int_equal(beat(&room, id, 2), OK);
    room_finish(&room);
}

TEST(a_member_that_does_not_rejoin_in_time_is_left_behind)
{
    struct room room;
    const char *id;
    struct answer *second;

    room_init(&room, 0);
    id = stable_alone(&room);
    second = join(&room, 2, (struct who){0});
    for (int i = 0; i < 12; i++) { /* it beats, but does not rejoin */
        pass(&room, 4999);
        (void)beat(&room, id, 1);
    }
    pass(&room, 100);
    assert_true(second->came);
    assert_int_equal(second->generation, 2);
    assert_string_equal(second->leader, second->member_id);
    assert_int_equal(beat(&room, id, 2), ERROR_UNKNOWN_MEMBER_ID);
    room_finish(&room);
}

TEST(silence_for_a_session_removes_a_member_and_empties_the_group)
{
    struct room room;
    const char *id;
    size_t stores;

    room_init(&room, 0);
    id = stable_alone(&room);
    stores = room.stores;
    pass(&room, 9999);
    assert_int_equal(beat(&room, id, 1), OK);
    pass(&room, 9999);
    assert_int_equal(group_member_count(room.group), 1);
    pass(&room, 2);
    assert_int_equal(group_state_of(room.group), GROUP_EMPTY);
    assert_int_equal(group_generation(room.group), 2);
    assert_int_equal(room.stores, stores + 1);
    assert_true(slice_is_null(group_leader(room.group)));
    assert_true(slice_is_null(group_protocol_name(room.group)));
    assert_int_equal(group_next_tick(room.group), INT64_MAX);
    room_finish(&room);
}

TEST(who_does_not_sync_in_time_is_removed)
{
    struct room room;
    char id[64];

    room_init(&room, 0);
    (void)snprintf(id, sizeof(id), "%s", join(&room, 0, (struct who){0})->member_id);
    for (int i = 0; i < 13; i++) {
        pass(&room, 4999);
        (void)beat(&room, id, 1);
    }
    assert_int_equal(group_member_count(room.group), 0);
    assert_int_equal(group_state_of(room.group), GROUP_EMPTY);
    room_finish(&room);
}

TEST(leaving_gives_the_lead_to_the_next_member)
{
    struct room room;
    char first[64];

    room_init(&room, 10);
    (void)join(&room, 0, (struct who){0});
    (void)join(&room, 1, (struct who){0});
    pass(&room, 100);
    (void)snprintf(first, sizeof(first), "%s", room.answers[0].member_id);
    assert_int_equal(group_leave(room.group, slice_from_string(first), slice_null(), room.now_ms), OK);
    assert_int_equal(group_state_of(room.group), GROUP_PREPARING);
    assert_true(slice_equal_string(group_leader(room.group), room.answers[1].member_id));
    assert_int_equal(group_leave(room.group, slice_from_string(first), slice_null(), room.now_ms), ERROR_UNKNOWN_MEMBER_ID);
    room_finish(&room);
}

TEST(a_follower_that_rejoins_unchanged_gets_its_generation_at_once)
{
    struct room room;
    char leader[64], follower[64];
    struct answer *answer;

    room_init(&room, 10);
    (void)join(&room, 0, (struct who){0});
    (void)join(&room, 1, (struct who){0});
    pass(&room, 100);
    (void)snprintf(leader, sizeof(leader), "%s", room.answers[0].member_id);
    (void)snprintf(follower, sizeof(follower), "%s", room.answers[1].member_id);
    (void)sync_as(&room, 3, leader, 1, (const char *const[][2]){{leader, "a"}, {follower, "b"}}, 2);
    group_stored(room.group, room.ticket, OK, room.now_ms);
    answer = join(&room, 2, (struct who){.member = follower});
    assert_int_equal(answer->generation, 1);
    assert_int_equal(group_state_of(room.group), GROUP_STABLE);
    answer = join(&room, 2, (struct who){.member = follower, .metadata = "other topics"});
    assert_false(answer->came);
    assert_int_equal(group_state_of(room.group), GROUP_PREPARING);
    room_finish(&room);
}

TEST(a_static_member_takes_its_seat_back_without_a_rebalance)
{
    struct room room;
    struct answer *answer;
    char old_id[64];

    room_init(&room, 0);
    (void)snprintf(old_id, sizeof(old_id), "%s", join(&room, 0, (struct who){.instance = "i1", .id_required = true})->member_id);
    assert_string_equal(old_id, "i1-00000000-0000-0000-0000-000000000001");
    {
        struct group_assignment all = {slice_from_string(old_id), slice_from_string("all")};
        struct group_sync sync = {slice_from_string(old_id), slice_from_string("i1"), 1, slice_null(), slice_null(), &all, 1,
                                  &room.answers[1]};

        group_sync(room.group, &sync, room.now_ms);
    }
    group_stored(room.group, room.ticket, OK, room.now_ms);
    answer = join(&room, 2, (struct who){.instance = "i1", .id_required = true, .knows_skip = true});
    assert_int_equal(answer->status, OK);
    assert_int_equal(answer->generation, 1);
    assert_true(answer->skip);
    assert_string_equal(answer->leader, answer->member_id);
    assert_int_equal(group_state_of(room.group), GROUP_STABLE);
    assert_int_equal(group_heartbeat(room.group, slice_from_string(old_id), slice_from_string("i1"), 1, room.now_ms),
                     ERROR_FENCED_INSTANCE_ID);
    assert_int_equal(group_heartbeat(room.group, slice_from_string(answer->member_id), slice_from_string("i1"), 1, room.now_ms), OK);
    assert_true(slice_equal_string(group_member_at(room.group, 0)->assignment, "all"));
    room_finish(&room);
}

TEST(a_static_member_may_be_removed_by_its_instance_alone)
{
    struct room room;

    room_init(&room, 0);
    (void)join(&room, 0, (struct who){.instance = "i1"});
    assert_int_equal(group_leave(room.group, slice_of("", 0), slice_from_string("i2"), room.now_ms), ERROR_UNKNOWN_MEMBER_ID);
    assert_int_equal(group_leave(room.group, slice_of("", 0), slice_from_string("i1"), room.now_ms), OK);
    assert_int_equal(group_state_of(room.group), GROUP_EMPTY);
    room_finish(&room);
}

TEST(members_without_a_common_protocol_do_not_come_together)
{
    struct room room;
    struct group_protocol other = {slice_from_string("sticky"), slice_from_string("m")};
    struct group_join asked = {
        .member_id = slice_of("", 0),
        .client_id = slice_from_string("c"),
        .client_host = slice_from_string("/h"),
        .protocol_type = slice_from_string("consumer"),
        .protocols = &other,
        .protocol_count = 1,
        .session_timeout_ms = 10000,
        .rebalance_timeout_ms = 10000,
        .waiter = NULL,
    };

    room_init(&room, 0);
    (void)stable_alone(&room);
    asked.waiter = &room.answers[5];
    group_join(room.group, &asked, room.now_ms);
    assert_int_equal(room.answers[5].status, ERROR_INCONSISTENT_GROUP_PROTOCOL);
    asked.protocol_type = slice_from_string("connect");
    other.name = slice_from_string("range");
    room.answers[5] = (struct answer){0};
    group_join(room.group, &asked, room.now_ms);
    assert_int_equal(room.answers[5].status, ERROR_INCONSISTENT_GROUP_PROTOCOL);
    room_finish(&room);
}

TEST(commits_are_fenced_by_member_and_generation)
{
    struct room room;
    const char *id;

    room_init(&room, 0);
    assert_int_equal(group_commit_check(room.group, slice_of("", 0), slice_null(), -1, room.now_ms), OK);
    id = stable_alone(&room);
    assert_int_equal(group_commit_check(room.group, slice_from_string(id), slice_null(), 1, room.now_ms), OK);
    assert_int_equal(group_commit_check(room.group, slice_from_string(id), slice_null(), 2, room.now_ms), ERROR_ILLEGAL_GENERATION);
    assert_int_equal(group_commit_check(room.group, slice_from_string("x"), slice_null(), 1, room.now_ms), ERROR_UNKNOWN_MEMBER_ID);
    assert_int_equal(group_commit_check(room.group, slice_of("", 0), slice_null(), -1, room.now_ms), ERROR_UNKNOWN_MEMBER_ID);
    (void)join(&room, 4, (struct who){0});
    assert_int_equal(group_commit_check(room.group, slice_from_string(id), slice_null(), 1, room.now_ms), OK); /* while others join */
    (void)join(&room, 5, (struct who){.member = id});
    assert_int_equal(group_commit_check(room.group, slice_from_string(id), slice_null(), 2, room.now_ms), ERROR_REBALANCE_IN_PROGRESS);
    room_finish(&room);
}

TEST(a_group_comes_back_from_its_record)
{
    struct room room, other;
    struct buffer value = {.size_max = 4096};
    const char *id;
    struct error error;

    room_init(&room, 0);
    room_init(&other, 0);
    id = stable_alone(&room);
    group_record_write(room.group, &value);
    assert_int_equal(group_record_read(other.group, buffer_slice(&value), other.now_ms, &error), OK);
    assert_int_equal(group_state_of(other.group), GROUP_STABLE);
    assert_int_equal(group_generation(other.group), 1);
    assert_int_equal(beat(&other, id, 1), OK);
    assert_true(slice_equal_string(group_member_at(other.group, 0)->assignment, "all"));
    assert_true(slice_equal_string(group_member_metadata(other.group, group_member_at(other.group, 0)), "m"));
    for (size_t size = 0; size < value.size; size++) /* cut anywhere: no crash, no member */
        assert_int_equal(group_record_read(other.group, slice_of(value.data, size), 0, &error), ERROR_CORRUPT);
    assert_int_equal(group_member_count(other.group), 0);
    buffer_finish(&value);
    room_finish(&room);
    room_finish(&other);
}

/* Recorded from the 4.3 broker: the record of a group that has just appeared, and after its member left. */
TEST(records_are_those_of_kafka)
{
    struct room room;
    struct buffer value = {.size_max = 4096};
    static const uint8_t new_group[] = {0, 3, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};

    room_init(&room, 0);
    group_record_write(room.group, &value);
    assert_int_equal(value.size, sizeof(new_group) + 8 + 4);
    assert_memory_equal(value.data, new_group, sizeof(new_group));
    buffer_finish(&value);
    room_finish(&room);
}

TEST(a_full_group_refuses_more_members)
{
    struct room room;

    room_init(&room, 0);
    room.owner.members_max = 1;
    (void)stable_alone(&room);
    assert_int_equal(join(&room, 5, (struct who){0})->status, ERROR_GROUP_MAX_SIZE_REACHED);
    room_finish(&room);
}

TEST(subscriptions_are_read_from_the_consumer_protocol)
{
    struct room room;
    static const uint8_t metadata[] = {0, 1, 0, 0, 0, 1, 0, 2, 't', '1', 0xff, 0xff, 0xff, 0xff};
    struct group_protocol protocol = {slice_from_string("range"), slice_of(metadata, sizeof(metadata))};
    struct group_join asked = {
        .member_id = slice_of("", 0),
        .client_id = slice_from_string("c"),
        .client_host = slice_from_string("/h"),
        .protocol_type = slice_from_string("consumer"),
        .protocols = &protocol,
        .protocol_count = 1,
        .session_timeout_ms = 10000,
        .rebalance_timeout_ms = 10000,
        .waiter = NULL,
    };

    room_init(&room, 0);
    assert_false(group_is_subscribed(room.group, slice_from_string("t1")));
    asked.waiter = &room.answers[0];
    group_join(room.group, &asked, room.now_ms);
    assert_true(group_is_subscribed(room.group, slice_from_string("t1")));
    assert_false(group_is_subscribed(room.group, slice_from_string("t2")));
    room_finish(&room);
}

/* Random steps: whoever waits is answered once, time always has an end, nobody stays who is silent. */
TEST(no_order_of_steps_leaves_anybody_waiting)
{
    for (unsigned seed = 1; seed <= 300; seed++) {
        struct room room;
        unsigned random = seed;
        bool busy[WAITERS] = {false};

        room_init(&room, seed % 3 == 0 ? 500 : 0);
        for (int step = 0; step < 200; step++) {
            int number = step % WAITERS;
            const char *id = "nobody";
            char id_copy[64];

            random = random * 1103515245 + 12345;
            if (group_member_count(room.group) > 0)
                id = (const char *)group_member_at(room.group, (random >> 8) % group_member_count(room.group))->id.data;
            (void)snprintf(id_copy, sizeof(id_copy), "%s", id);
            if (busy[number] && !room.answers[number].came) {
                pass(&room, 100);
                continue;
            }
            busy[number] = true;
            switch ((random >> 16) % 8) {
            case 0: (void)join(&room, number, (struct who){.id_required = (random >> 20) % 2 == 0}); break;
            case 1: (void)join(&room, number, (struct who){.member = id_copy, .metadata = (random >> 20) % 2 == 0 ? "m" : "n"}); break;
            case 2: (void)join(&room, number, (struct who){.instance = (random >> 20) % 2 == 0 ? "i1" : "i2"}); break;
            case 3: (void)sync_as(&room, number, id_copy, group_generation(room.group), (const char *const[][2]){{id_copy, "x"}}, 1); break;
            case 4:
                group_stored(room.group, room.ticket, (random >> 20) % 5 == 0 ? ERROR_DISK : OK, room.now_ms);
                busy[number] = false;
                break;
            case 5:
                (void)beat(&room, id_copy, group_generation(room.group));
                busy[number] = false;
                break;
            case 6:
                (void)group_leave(room.group, slice_from_string(id_copy), slice_null(), room.now_ms);
                busy[number] = false;
                break;
            default:
                pass(&room, (random >> 20) % 7000);
                busy[number] = false;
                break;
            }
        }
        for (int i = 0; i < 100; i++) { /* silence */
            pass(&room, 60000);
            group_stored(room.group, room.ticket, OK, room.now_ms);
        }
        assert_int_equal(group_member_count(room.group), 0);
        assert_int_equal(group_state_of(room.group), GROUP_EMPTY);
        assert_int_equal(group_next_tick(room.group), INT64_MAX);
        for (int i = 0; i < WAITERS; i++)
            assert_true(!busy[i] || room.answers[i].came);
        room_finish(&room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_member_is_told_its_id_and_comes_back_with_it),
        cmocka_unit_test(an_id_that_nobody_comes_back_with_is_forgotten),
        cmocka_unit_test(members_that_come_during_the_initial_delay_share_one_generation),
        cmocka_unit_test(a_follower_waits_for_the_leaders_assignment_to_be_durable),
        cmocka_unit_test(an_assignment_that_cannot_be_stored_makes_the_members_rejoin),
        cmocka_unit_test(a_second_member_makes_the_first_one_rejoin),
        cmocka_unit_test(a_member_that_does_not_rejoin_in_time_is_left_behind),
        cmocka_unit_test(silence_for_a_session_removes_a_member_and_empties_the_group),
        cmocka_unit_test(who_does_not_sync_in_time_is_removed),
        cmocka_unit_test(leaving_gives_the_lead_to_the_next_member),
        cmocka_unit_test(a_follower_that_rejoins_unchanged_gets_its_generation_at_once),
        cmocka_unit_test(a_static_member_takes_its_seat_back_without_a_rebalance),
        cmocka_unit_test(a_static_member_may_be_removed_by_its_instance_alone),
        cmocka_unit_test(members_without_a_common_protocol_do_not_come_together),
        cmocka_unit_test(commits_are_fenced_by_member_and_generation),
        cmocka_unit_test(a_group_comes_back_from_its_record),
        cmocka_unit_test(records_are_those_of_kafka),
        cmocka_unit_test(a_full_group_refuses_more_members),
        cmocka_unit_test(subscriptions_are_read_from_the_consumer_protocol),
        cmocka_unit_test(no_order_of_steps_leaves_anybody_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
