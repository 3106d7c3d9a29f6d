#include "check.h"

#include "broker/fetch_session.h"

struct fixture {
    struct fetch_sessions *sessions;
    struct arena arena;
    struct kafka_fetch_request request;
    struct kafka_fetch_request_topic topic;
    struct kafka_fetch_request_partition partitions[3];
    struct kafka_fetch_request_forgotten_topic forgotten;
    int32_t forgotten_partitions[3];
};

static void fixture_init(struct fixture *fixture, size_t slots)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->sessions = fetch_sessions_create(slots);
    arena_init(&fixture->arena, 4096);
    for (int i = 0; i < 3; i++)
        fixture->partitions[i] = (struct kafka_fetch_request_partition){.partition = i, .fetch_offset = i * 10, .partition_max_bytes = 100};
    fixture->topic = (struct kafka_fetch_request_topic){.topic = slice_from_string("t"), .partitions = {fixture->partitions, 3}};
    fixture->request.topics.items = &fixture->topic;
    fixture->request.topics.count = 1;
    fixture->forgotten =
        (struct kafka_fetch_request_forgotten_topic){.topic = slice_from_string("t"), .partitions = {fixture->forgotten_partitions, 0}};
    fixture->request.forgotten_topics_data.items = &fixture->forgotten;
}

static void fixture_finish(struct fixture *fixture)
{
    fetch_sessions_destroy(fixture->sessions);
    arena_finish(&fixture->arena);
}

static enum status begin(struct fixture *fixture, int32_t id, int32_t epoch, int64_t now_ms, struct fetch_scope *scope)
{
    fixture->request.session_id = id;
    fixture->request.session_epoch = epoch;
    return fetch_scope_begin(fixture->sessions, &fixture->request, false, now_ms, &fixture->arena, scope);
}

static size_t count_of(const struct fetch_scope *scope)
{
    size_t count = 0;

    for (struct fetch_partition *partition = fetch_scope_first(scope); partition != NULL; partition = partition->next)
        count++;
    return count;
}

TEST(a_session_remembers_what_later_requests_leave_out)
{
    struct fixture fixture;
    struct fetch_scope scope;
    int32_t id;

    fixture_init(&fixture, 10);
    assert_int_equal(begin(&fixture, 0, 0, 0, &scope), OK);
    id = fetch_scope_id(&scope);
    assert_int_not_equal(id, 0);
    assert_false(scope.incremental);
    assert_int_equal(count_of(&scope), 3);
    fetch_scope_finish(&scope);
    fixture.topic.partitions.count = 1; /* only partition 0 has moved */
    fixture.partitions[0].fetch_offset = 7;
    assert_int_equal(begin(&fixture, id, 1, 0, &scope), OK);
    assert_true(scope.incremental);
    assert_int_equal(count_of(&scope), 3);
    assert_int_equal(fetch_scope_first(&scope)->offset, 7);
    assert_int_equal(fetch_scope_first(&scope)->next->offset, 10);
    fetch_scope_finish(&scope);
    fixture.request.topics.count = 0;
    fixture.request.forgotten_topics_data.count = 1;
    fixture.forgotten.partitions.count = 1;
    fixture.forgotten_partitions[0] = 1;
    assert_int_equal(begin(&fixture, id, 2, 0, &scope), OK);
    assert_int_equal(count_of(&scope), 2);
    fetch_scope_finish(&scope);
    fixture_finish(&fixture);
}

TEST(wrong_ids_and_epochs_are_refused)
{
    struct fixture fixture;
    struct fetch_scope scope;
    int32_t id;

    fixture_init(&fixture, 10);
    assert_int_equal(begin(&fixture, 99, 1, 0, &scope), ERROR_FETCH_SESSION_ID_NOT_FOUND);
    assert_int_equal(begin(&fixture, 0, 0, 0, &scope), OK);
    id = fetch_scope_id(&scope);
    fetch_scope_finish(&scope);
    assert_int_equal(begin(&fixture, id, 2, 0, &scope), ERROR_INVALID_FETCH_SESSION_EPOCH);
    assert_int_equal(fetch_scope_begin(fixture.sessions, &(struct kafka_fetch_request){.session_id = id, .session_epoch = 1}, true, 0,
                                       &fixture.arena, &scope),
                     ERROR_FETCH_SESSION_TOPIC_ID_ERROR);
    fixture_finish(&fixture);
}

TEST(the_last_request_closes_the_session)
{
    struct fixture fixture;
    struct fetch_scope scope;
    int32_t id;

    fixture_init(&fixture, 10);
    assert_int_equal(begin(&fixture, 0, 0, 0, &scope), OK);
    id = fetch_scope_id(&scope);
    fetch_scope_finish(&scope);
    assert_int_equal(begin(&fixture, id, -1, 0, &scope), OK);
    assert_int_equal(fetch_scope_id(&scope), 0);
    assert_int_equal(count_of(&scope), 3);
    fetch_scope_finish(&scope);
    assert_int_equal(fetch_sessions_count(fixture.sessions), 0);
    fixture_finish(&fixture);
}

TEST(a_session_that_is_closed_while_it_is_used_stays_for_its_user)
{
    struct fixture fixture;
    struct fetch_scope scope, other;
    int32_t id;

    fixture_init(&fixture, 10);
    assert_int_equal(begin(&fixture, 0, 0, 0, &scope), OK);
    id = fetch_scope_id(&scope);
    assert_int_equal(begin(&fixture, id, -1, 0, &other), OK);
    assert_int_equal(count_of(&scope), 3);
    fetch_scope_finish(&other);
    fetch_scope_finish(&scope);
    fixture_finish(&fixture);
}

TEST(a_full_cache_gives_no_session_until_one_is_idle)
{
    struct fixture fixture;
    struct fetch_scope scope;

    fixture_init(&fixture, 1);
    assert_int_equal(begin(&fixture, 0, 0, 0, &scope), OK);
    assert_int_not_equal(fetch_scope_id(&scope), 0);
    fetch_scope_finish(&scope);
    assert_int_equal(begin(&fixture, 0, 0, 60000, &scope), OK);
    assert_int_equal(fetch_scope_id(&scope), 0);
    assert_int_equal(count_of(&scope), 3);
    fetch_scope_finish(&scope);
    assert_int_equal(begin(&fixture, 0, 0, 120000, &scope), OK);
    assert_int_not_equal(fetch_scope_id(&scope), 0);
    assert_int_equal(fetch_sessions_count(fixture.sessions), 1);
    fetch_scope_finish(&scope);
    fixture_finish(&fixture);
}

TEST(who_was_served_comes_last_next_time)
{
    struct fixture fixture;
    struct fetch_scope scope;

    fixture_init(&fixture, 1);
    assert_int_equal(begin(&fixture, 0, 0, 0, &scope), OK);
    fetch_scope_served(&scope, fetch_scope_first(&scope));
    assert_int_equal(fetch_scope_first(&scope)->partition, 1);
    assert_int_equal(count_of(&scope), 3);
    fetch_scope_finish(&scope);
    fixture_finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_remembers_what_later_requests_leave_out),
        cmocka_unit_test(wrong_ids_and_epochs_are_refused),
        cmocka_unit_test(the_last_request_closes_the_session),
        cmocka_unit_test(a_session_that_is_closed_while_it_is_used_stays_for_its_user),
        cmocka_unit_test(a_full_cache_gives_no_session_until_one_is_idle),
        cmocka_unit_test(who_was_served_comes_last_next_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
