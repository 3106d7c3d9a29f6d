#include "broker/group_internal.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/reader.h"

/* A member whose first join is still unanswered is kept at least so long: its client may wait for a slow rebalance. */
#define NEW_MEMBER_TIMEOUT_MS 300000
#define NAME_IN_ID_BYTES_MAX 1024
#define PENDING_MAX 1000

const char *group_state_name(enum group_state state)
{
    static const char *const names[] = {"Empty", "PreparingRebalance", "CompletingRebalance", "Stable"};

    return names[state];
}

struct group *group_create(struct slice id, const struct group_owner *owner)
{
    struct group *group = memory_new(sizeof(*group));

    group->owner = owner;
    group->id = group_text_copy(id);
    group->state = GROUP_EMPTY;
    group->state_since_ms = owner->wall_ms(owner->context);
    group->join_ends_at_ms = group->sync_ends_at_ms = INT64_MAX;
    return group;
}

void group_destroy(struct group *group)
{
    if (group == NULL)
        return;
    group_members_clear(group);
    memory_free(group->members);
    memory_free(group->pending);
    group_text_free(&group->id);
    group_text_free(&group->protocol_type);
    group_text_free(&group->protocol_name);
    group_text_free(&group->leader);
    memory_free(group);
}

static void state_set(struct group *group, enum group_state state)
{
    group->state = state;
    group->state_since_ms = group->owner->wall_ms(group->owner->context);
}

static size_t joining_count(const struct group *group)
{
    size_t count = 0;

    for (size_t i = 0; i < group->member_count; i++)
        count += group->members[i]->join_waiter != NULL;
    return count;
}

static int32_t rebalance_timeout_ms(const struct group *group)
{
    int32_t longest = 0;

    for (size_t i = 0; i < group->member_count; i++) {
        if (group->members[i]->rebalance_timeout_ms > longest)
            longest = group->members[i]->rebalance_timeout_ms;
    }
    return longest;
}

/* ---- Answers ---- */

static void join_refuse(struct group *group, void *waiter, enum status status, struct slice member_id)
{
    struct group_join_answer answer = {
        .status = status, .generation = -1, .leader = slice_of("", 0), .member_id = member_id, .group = group};

    group->owner->joined(group->owner->context, waiter, &answer);
}

static void join_answer(struct group *group, void *waiter, const struct group_member *member, bool with_members)
{
    struct group_join_answer answer = {
        .status = OK,
        .generation = group->generation,
        .protocol_type = group->protocol_type,
        .protocol_name = group->protocol_name,
        .leader = slice_is_null(group->leader) ? slice_of("", 0) : group->leader,
        .member_id = member->id,
        .with_members = with_members,
        .group = group,
    };

    group->owner->joined(group->owner->context, waiter, &answer);
}

static void sync_refuse(struct group *group, void *waiter, enum status status)
{
    struct group_sync_answer answer = {.status = status, .assignment = slice_of("", 0)};

    group->owner->synced(group->owner->context, waiter, &answer);
}

static void sync_answer(struct group *group, void *waiter, const struct group_member *member)
{
    struct group_sync_answer answer = {
        .status = OK,
        .protocol_type = group->protocol_type,
        .protocol_name = group->protocol_name,
        .assignment = slice_is_null(member->assignment) ? slice_of("", 0) : member->assignment,
    };

    group->owner->synced(group->owner->context, waiter, &answer);
}

static void *waiter_take(void **waiter)
{
    void *taken = *waiter;

    *waiter = NULL;
    return taken;
}

/* A newer request of the same member replaces an older one that still waits (its client has given that one up). */
static void join_waiter_set(struct group *group, struct group_member *member, void *waiter)
{
    void *before = waiter_take(&member->join_waiter);

    if (before != NULL)
        join_refuse(group, before, ERROR_REBALANCE_IN_PROGRESS, member->id);
    member->join_waiter = waiter;
}

static uint64_t store(struct group *group)
{
    uint64_t ticket = ++group->ticket;

    group->owner->store(group->owner->context, group, ticket);
    return ticket;
}

void group_abandon(struct group *group, enum status status)
{
    for (size_t i = 0; i < group->member_count; i++) {
        struct group_member *member = group->members[i];
        void *join = waiter_take(&member->join_waiter);
        void *sync = waiter_take(&member->sync_waiter);

        if (join != NULL)
            join_refuse(group, join, status, member->id);
        if (sync != NULL)
            sync_refuse(group, sync, status);
    }
}

/* ---- Rebalances ---- */

static void join_complete(struct group *group, int64_t now_ms);

static void syncs_refuse(struct group *group, enum status status)
{
    group->sync_ticket = 0; /* what is being stored does not count any more */
    for (size_t i = 0; i < group->member_count; i++) {
        struct group_member *member = group->members[i];
        void *waiter = waiter_take(&member->sync_waiter);

        group_text_free(&member->assignment);
        group_text_free(&member->next_assignment);
        if (waiter != NULL)
            sync_refuse(group, waiter, status);
    }
}

static void rebalance_prepare(struct group *group, int64_t now_ms)
{
    int32_t delay_ms = group->owner->initial_rebalance_delay_ms;
    int32_t timeout_ms = rebalance_timeout_ms(group);

    if (group->state == GROUP_COMPLETING)
        syncs_refuse(group, ERROR_REBALANCE_IN_PROGRESS);
    group->sync_ends_at_ms = INT64_MAX;
    group->join_is_initial = group->state == GROUP_EMPTY;
    if (group->join_is_initial) {
        group->join_delay_left_ms = timeout_ms > delay_ms ? timeout_ms - delay_ms : 0;
        group->join_ends_at_ms = now_ms + delay_ms;
        group->member_added = false;
    } else {
        group->join_ends_at_ms = now_ms + timeout_ms;
    }
    state_set(group, GROUP_PREPARING);
    if (group->join_is_initial && delay_ms == 0)
        join_complete(group, now_ms);
}

static bool all_joined(const struct group *group)
{
    return group->pending_count == 0 && joining_count(group) == group->member_count;
}

static void rebalance_or_complete(struct group *group, int64_t now_ms)
{
    if (group->state != GROUP_PREPARING)
        rebalance_prepare(group, now_ms);
    if (group->state == GROUP_PREPARING && !group->join_is_initial && all_joined(group))
        join_complete(group, now_ms);
}

/* The leader is someone who has joined; false when nobody has. */
static bool leader_elect(struct group *group)
{
    struct group_member *leader = slice_is_null(group->leader) ? NULL : group_member_by_id(group, group->leader);

    if (leader != NULL && leader->join_waiter != NULL)
        return true;
    for (size_t i = 0; i < group->member_count; i++) {
        if (group->members[i]->join_waiter != NULL) {
            group_text_set(&group->leader, group->members[i]->id);
            return true;
        }
    }
    return false;
}

/* The end of PREPARING: who did not come back is out, the others get the new generation. */
static void join_complete(struct group *group, int64_t now_ms)
{
    for (size_t i = group->member_count; i > 0; i--) {
        struct group_member *member = group->members[i - 1];

        if (member->join_waiter == NULL && slice_is_null(member->instance_id))
            group_member_remove(group, member);
    }
    if (group->member_count > 0 && !leader_elect(group)) {
        /* Only static members, none of them here: they have until their session ends. */
        group->join_ends_at_ms = now_ms + rebalance_timeout_ms(group);
        group->join_is_initial = false;
        return;
    }
    group->join_ends_at_ms = INT64_MAX;
    group->generation = group->generation == INT32_MAX ? 1 : group->generation + 1;
    group_text_set(&group->protocol_name, group_protocol_select(group));
    if (group->member_count == 0) {
        state_set(group, GROUP_EMPTY);
        (void)store(group);
        return;
    }
    state_set(group, GROUP_COMPLETING);
    group->sync_ends_at_ms = now_ms + rebalance_timeout_ms(group);
    for (size_t i = 0; i < group->member_count; i++) {
        struct group_member *member = group->members[i];

        member->is_new = false;
        member->sync_missing = true;
        group_member_seen(member, now_ms);
    }
    /* Answer last and by looking each one up again: an answer may lead to anything. */
    for (size_t i = 0; i < group->member_count; i++) {
        void *waiter = waiter_take(&group->members[i]->join_waiter);

        if (waiter != NULL)
            join_answer(group, waiter, group->members[i], group_member_leads(group, group->members[i]));
    }
}

static void member_gone(struct group *group, struct group_member *member, int64_t now_ms)
{
    void *join = waiter_take(&member->join_waiter);
    void *sync = waiter_take(&member->sync_waiter);

    if (join != NULL)
        join_refuse(group, join, ERROR_UNKNOWN_MEMBER_ID, slice_of("", 0));
    if (sync != NULL)
        sync_refuse(group, sync, ERROR_UNKNOWN_MEMBER_ID);
    group_member_remove(group, member);
    if (group->state == GROUP_STABLE || group->state == GROUP_COMPLETING)
        rebalance_prepare(group, now_ms);
    if (group->state == GROUP_PREPARING && !group->join_is_initial && all_joined(group))
        join_complete(group, now_ms);
}

/* ---- JoinGroup ---- */

static size_t pending_find(const struct group *group, struct slice member_id)
{
    size_t at = 0;

    while (at < group->pending_count && !slice_equal(group->pending[at].id, member_id))
        at++;
    return at;
}

static void pending_add(struct group *group, struct slice member_id, int64_t expires_at_ms)
{
    if (group->pending_count == PENDING_MAX)
        group_pending_remove(group, 0); /* nobody has so many members; its client will ask for another id */
    group->pending = memory_resize(group->pending, (group->pending_count + 1) * sizeof(*group->pending));
    group->pending[group->pending_count++] = (struct pending_member){group_text_copy(member_id), expires_at_ms};
}

/* "<instance or client id>-<uuid>" */
static void member_id_make(struct group *group, const struct group_join *join, struct buffer *id)
{
    struct slice name = slice_is_null(join->instance_id) ? join->client_id : join->instance_id;
    struct uuid uuid = group->owner->new_uuid(group->owner->context);
    char hex[UUID_HEX_SIZE];

    uuid_to_hex(&uuid, hex);
    buffer_append(id, name.data, name.size < NAME_IN_ID_BYTES_MAX ? name.size : NAME_IN_ID_BYTES_MAX);
    buffer_append_u8(id, '-');
    buffer_append_string(id, hex);
}

static bool has_room(const struct group *group, const struct group_join *join)
{
    size_t most = (size_t)group->owner->members_max;
    const struct group_member *member = join->member_id.size == 0 ? NULL : group_member_by_id(group, join->member_id);

    switch (group->state) {
    case GROUP_EMPTY: return true;
    case GROUP_PREPARING: return (member != NULL && member->join_waiter != NULL) || joining_count(group) < most;
    case GROUP_COMPLETING:
    case GROUP_STABLE: break;
    }
    return member != NULL || group->member_count < most;
}

static void member_join_new(struct group *group, const struct group_join *join, struct slice id, int64_t now_ms)
{
    struct group_member *member = group_member_add(group, join, id);
    int64_t wait_ms = member->session_timeout_ms > NEW_MEMBER_TIMEOUT_MS ? member->session_timeout_ms : NEW_MEMBER_TIMEOUT_MS;

    member->is_new = true;
    member->join_waiter = join->waiter;
    member->expires_at_ms = now_ms + wait_ms;
    if (group->state == GROUP_PREPARING && group->join_is_initial)
        group->member_added = true;
    rebalance_or_complete(group, now_ms);
}

static void member_update(struct group *group, struct group_member *member, const struct group_join *join, int64_t now_ms)
{
    group_member_protocols_set(member, join->protocols, join->protocol_count);
    member->session_timeout_ms = join->session_timeout_ms;
    member->rebalance_timeout_ms = join->rebalance_timeout_ms;
    join_waiter_set(group, member, join->waiter);
    group_member_seen(member, now_ms);
}

static void member_rejoin(struct group *group, struct group_member *member, const struct group_join *join, int64_t now_ms)
{
    member_update(group, member, join, now_ms);
    rebalance_or_complete(group, now_ms);
}

/* A static member comes back under its instance id after a restart: it takes over its old seat with a new member id. */
static void static_member_replace(struct group *group, struct group_member *member, const struct group_join *join, struct slice new_id,
                                  int64_t now_ms)
{
    bool led = group_member_leads(group, member);
    struct slice old_leader = group_text_copy(group->leader);
    void *old_join = waiter_take(&member->join_waiter);
    void *old_sync = waiter_take(&member->sync_waiter);
    struct slice selected;

    if (old_join != NULL)
        join_refuse(group, old_join, ERROR_FENCED_INSTANCE_ID, member->id);
    if (old_sync != NULL)
        sync_refuse(group, old_sync, ERROR_FENCED_INSTANCE_ID);
    group_text_set(&member->id, new_id);
    group_text_set(&member->client_id, join->client_id);
    group_text_set(&member->client_host, join->client_host);
    group_text_set(&member->software, join->software);
    if (led)
        group_text_set(&group->leader, new_id);
    group_member_protocols_set(member, join->protocols, join->protocol_count);
    member->session_timeout_ms = join->session_timeout_ms;
    member->rebalance_timeout_ms = join->rebalance_timeout_ms;
    group_member_seen(member, now_ms);
    selected = group_protocol_select(group);
    if (group->state == GROUP_STABLE && !slice_is_null(group->protocol_name) && slice_equal(selected, group->protocol_name)) {
        struct group_join_answer answer = {
            .status = OK,
            .generation = group->generation,
            .protocol_type = group->protocol_type,
            .protocol_name = group->protocol_name,
            .leader = led && join->knows_skip_assignment ? new_id : old_leader,
            .member_id = new_id,
            .skip_assignment = led && join->knows_skip_assignment,
            .with_members = led && join->knows_skip_assignment,
            .group = group,
        };

        (void)store(group);
        group->owner->joined(group->owner->context, join->waiter, &answer);
    } else {
        member->join_waiter = join->waiter;
        rebalance_or_complete(group, now_ms);
    }
    group_text_free(&old_leader);
}

static void join_unknown(struct group *group, const struct group_join *join, int64_t now_ms)
{
    struct group_member *same_instance = group_member_by_instance(group, join->instance_id);
    struct buffer id = {.size_max = NAME_IN_ID_BYTES_MAX + UUID_HEX_SIZE};

    member_id_make(group, join, &id);
    if (same_instance != NULL) {
        static_member_replace(group, same_instance, join, buffer_slice(&id), now_ms);
    } else if (join->member_id_required && slice_is_null(join->instance_id)) {
        pending_add(group, buffer_slice(&id), now_ms + join->session_timeout_ms);
        join_refuse(group, join->waiter, ERROR_MEMBER_ID_REQUIRED, buffer_slice(&id));
    } else {
        member_join_new(group, join, buffer_slice(&id), now_ms);
    }
    buffer_finish(&id);
}

/* Does a member that names itself so exist? Finds it. */
static enum status member_check(const struct group *group, struct slice member_id, struct slice instance_id, struct group_member **found)
{
    struct group_member *member;

    if (!slice_is_null(instance_id)) {
        member = group_member_by_instance(group, instance_id);
        if (member == NULL)
            return ERROR_UNKNOWN_MEMBER_ID;
        if (!slice_equal(member->id, member_id))
            return ERROR_FENCED_INSTANCE_ID;
    } else {
        member = group_member_by_id(group, member_id);
        if (member == NULL)
            return ERROR_UNKNOWN_MEMBER_ID;
    }
    *found = member;
    return OK;
}

static void join_known(struct group *group, const struct group_join *join, int64_t now_ms)
{
    size_t pending = pending_find(group, join->member_id);
    struct group_member *member;
    enum status status;

    if (pending < group->pending_count) {
        group_pending_remove(group, pending);
        member_join_new(group, join, join->member_id, now_ms);
        return;
    }
    status = member_check(group, join->member_id, join->instance_id, &member);
    if (status != OK) {
        join_refuse(group, join->waiter, status, join->member_id);
        return;
    }
    switch (group->state) {
    case GROUP_EMPTY: join_refuse(group, join->waiter, ERROR_UNKNOWN_MEMBER_ID, join->member_id); return;
    case GROUP_PREPARING: member_rejoin(group, member, join, now_ms); return;
    case GROUP_COMPLETING:
        if (!group_member_matches(member, join->protocols, join->protocol_count)) {
            member_rejoin(group, member, join, now_ms);
            return;
        }
        group_member_seen(member, now_ms); /* it did not get our answer: once more */
        join_answer(group, join->waiter, member, group_member_leads(group, member));
        return;
    case GROUP_STABLE:
        if (group_member_leads(group, member) || !group_member_matches(member, join->protocols, join->protocol_count)) {
            member_rejoin(group, member, join, now_ms);
            return;
        }
        group_member_seen(member, now_ms);
        join_answer(group, join->waiter, member, false);
        return;
    }
}

void group_join(struct group *group, const struct group_join *join, int64_t now_ms)
{
    if (!has_room(group, join)) {
        struct group_member *member = join->member_id.size == 0 ? NULL : group_member_by_id(group, join->member_id);

        join_refuse(group, join->waiter, ERROR_GROUP_MAX_SIZE_REACHED, slice_of("", 0));
        if (member != NULL)
            member_gone(group, member, now_ms);
    } else if (!group_protocols_fit(group, join->protocol_type, join->protocols, join->protocol_count)) {
        join_refuse(group, join->waiter, ERROR_INCONSISTENT_GROUP_PROTOCOL, join->member_id);
    } else if (join->member_id.size == 0) {
        join_unknown(group, join, now_ms);
    } else {
        join_known(group, join, now_ms);
    }
}

/* ---- SyncGroup ---- */

static enum status sync_check(const struct group *group, const struct group_sync *sync, struct group_member **member)
{
    enum status status = member_check(group, sync->member_id, sync->instance_id, member);

    if (status != OK)
        return status;
    if (sync->generation != group->generation)
        return ERROR_ILLEGAL_GENERATION;
    if (!slice_is_null(sync->protocol_type) && !slice_equal(sync->protocol_type, group_protocol_type(group)))
        return ERROR_INCONSISTENT_GROUP_PROTOCOL;
    if (!slice_is_null(sync->protocol_name) && !slice_equal(sync->protocol_name, group->protocol_name))
        return ERROR_INCONSISTENT_GROUP_PROTOCOL;
    return OK;
}

static void sync_by_leader(struct group *group, const struct group_sync *sync)
{
    struct map by_id;

    map_init(&by_id);
    for (size_t i = 0; i < sync->assignment_count; i++)
        (void)map_put(&by_id, sync->assignments[i].member_id, (void *)(uintptr_t)&sync->assignments[i]);
    for (size_t i = 0; i < group->member_count; i++) {
        const struct group_assignment *given = map_get(&by_id, group->members[i]->id);
        struct slice assignment = given == NULL || given->assignment.size == 0 ? slice_of("", 0) : given->assignment;

        group_text_set(&group->members[i]->next_assignment, assignment);
    }
    map_finish(&by_id);
    group->sync_ticket = store(group);
}

void group_sync(struct group *group, const struct group_sync *sync, int64_t now_ms)
{
    struct group_member *member = NULL;
    enum status status = sync_check(group, sync, &member);
    void *before;

    if (status == OK && group->state == GROUP_EMPTY)
        status = ERROR_UNKNOWN_MEMBER_ID;
    if (status == OK && group->state == GROUP_PREPARING)
        status = ERROR_REBALANCE_IN_PROGRESS;
    if (status != OK) {
        sync_refuse(group, sync->waiter, status);
        return;
    }
    member->sync_missing = false;
    member->acted_ms = now_ms;
    group_member_seen(member, now_ms);
    if (group->state == GROUP_STABLE) {
        sync_answer(group, sync->waiter, member);
        return;
    }
    before = waiter_take(&member->sync_waiter);
    if (before != NULL)
        sync_refuse(group, before, ERROR_REBALANCE_IN_PROGRESS);
    member->sync_waiter = sync->waiter;
    if (group_member_leads(group, member) && group->sync_ticket == 0)
        sync_by_leader(group, sync);
}

void group_stored(struct group *group, uint64_t ticket, enum status status, int64_t now_ms)
{
    if (ticket != group->sync_ticket || group->state != GROUP_COMPLETING)
        return;
    group->sync_ticket = 0;
    if (status != OK) {
        syncs_refuse(group, ERROR_NOT_COORDINATOR); /* the members look for the coordinator again and rejoin */
        rebalance_prepare(group, now_ms);
        return;
    }
    state_set(group, GROUP_STABLE);
    for (size_t i = 0; i < group->member_count; i++) {
        struct group_member *member = group->members[i];

        group_text_free(&member->assignment);
        member->assignment = member->next_assignment;
        member->next_assignment = slice_null();
    }
    for (size_t i = 0; i < group->member_count; i++) {
        struct group_member *member = group->members[i];
        void *waiter = waiter_take(&member->sync_waiter);

        if (waiter != NULL) {
            group_member_seen(member, now_ms);
            sync_answer(group, waiter, member);
        }
    }
}

/* ---- Heartbeat, LeaveGroup, OffsetCommit ---- */

enum status group_heartbeat(struct group *group, struct slice member_id, struct slice instance_id, int32_t generation, int64_t now_ms)
{
    struct group_member *member = NULL;
    enum status status = member_check(group, member_id, instance_id, &member);

    if (status != OK)
        return status;
    if (generation != group->generation)
        return ERROR_ILLEGAL_GENERATION;
    if (group->state == GROUP_EMPTY)
        return ERROR_UNKNOWN_MEMBER_ID;
    member->heartbeat_ms = now_ms;
    group_member_seen(member, now_ms);
    return group->state == GROUP_PREPARING ? ERROR_REBALANCE_IN_PROGRESS : OK;
}

enum status group_leave(struct group *group, struct slice member_id, struct slice instance_id, int64_t now_ms)
{
    struct group_member *member = NULL;
    size_t pending = pending_find(group, member_id);
    enum status status;

    if (member_id.size == 0 && !slice_is_null(instance_id)) {
        member = group_member_by_instance(group, instance_id);
        if (member == NULL)
            return ERROR_UNKNOWN_MEMBER_ID;
    } else if (pending < group->pending_count) {
        group_pending_remove(group, pending);
        if (group->state == GROUP_PREPARING && !group->join_is_initial && all_joined(group))
            join_complete(group, now_ms);
        return OK;
    } else {
        status = member_check(group, member_id, instance_id, &member);
        if (status != OK)
            return status;
    }
    member_gone(group, member, now_ms);
    return OK;
}

enum status group_commit_check(struct group *group, struct slice member_id, struct slice instance_id, int32_t generation, int64_t now_ms)
{
    struct group_member *member = NULL;

    if (generation < 0 && group->state == GROUP_EMPTY)
        return OK;
    if (generation >= 0 || member_id.size > 0 || !slice_is_null(instance_id)) {
        enum status status = member_check(group, member_id, instance_id, &member);

        if (status != OK)
            return status;
        if (generation != group->generation)
            return ERROR_ILLEGAL_GENERATION;
    } else if (group->state != GROUP_EMPTY) {
        return ERROR_UNKNOWN_MEMBER_ID;
    }
    if (group->state == GROUP_COMPLETING)
        return ERROR_REBALANCE_IN_PROGRESS;
    if (member != NULL) {
        member->acted_ms = now_ms;
        group_member_seen(member, now_ms);
    }
    return OK;
}

/* Reads the topics of a consumer protocol subscription; false when it is not one. */
static bool subscription_has(struct slice metadata, struct slice topic, bool *has)
{
    struct reader in = reader_of(metadata);
    uint32_t count;

    (void)read_u16(&in); /* version */
    count = read_u32(&in);
    for (uint32_t i = 0; i < count && !in.failed; i++) {
        struct slice name = read_bytes(&in, read_u16(&in));

        if (!in.failed && slice_equal(name, topic))
            *has = true;
    }
    return !in.failed;
}

bool group_is_subscribed(const struct group *group, struct slice topic)
{
    if (group->member_count == 0 || !slice_equal_string(group_protocol_type(group), "consumer"))
        return false;
    if (slice_is_null(group->protocol_name))
        return true;
    for (size_t i = 0; i < group->member_count; i++) {
        bool has = false;

        if (!subscription_has(group_member_metadata(group, group->members[i]), topic, &has) || has)
            return true;
    }
    return false;
}

/* ---- Time ---- */

/* A member that waits for us is alive, whatever its clock says, unless its first join has taken too long. */
static bool member_can_expire(const struct group_member *member)
{
    return member->is_new || (member->join_waiter == NULL && member->sync_waiter == NULL);
}

int64_t group_next_tick(const struct group *group)
{
    int64_t next_ms = group->join_ends_at_ms < group->sync_ends_at_ms ? group->join_ends_at_ms : group->sync_ends_at_ms;

    for (size_t i = 0; i < group->member_count; i++) {
        if (member_can_expire(group->members[i]) && group->members[i]->expires_at_ms < next_ms)
            next_ms = group->members[i]->expires_at_ms;
    }
    for (size_t i = 0; i < group->pending_count; i++) {
        if (group->pending[i].expires_at_ms < next_ms)
            next_ms = group->pending[i].expires_at_ms;
    }
    return next_ms;
}

static void join_time_is_up(struct group *group, int64_t now_ms)
{
    int32_t delay_ms = group->owner->initial_rebalance_delay_ms;

    if (group->join_is_initial && group->member_added && group->join_delay_left_ms > 0) {
        int64_t more_ms = delay_ms < group->join_delay_left_ms ? delay_ms : group->join_delay_left_ms;

        group->member_added = false;
        group->join_delay_left_ms = group->join_delay_left_ms > delay_ms ? group->join_delay_left_ms - delay_ms : 0;
        group->join_ends_at_ms = now_ms + more_ms;
        return;
    }
    join_complete(group, now_ms);
}

static void sync_time_is_up(struct group *group, int64_t now_ms)
{
    bool removed = false;

    group->sync_ends_at_ms = INT64_MAX;
    for (size_t i = group->member_count; i > 0; i--) {
        struct group_member *member = group->members[i - 1];

        if (member->sync_missing) {
            group_member_remove(group, member);
            removed = true;
        }
    }
    if (removed && (group->state == GROUP_COMPLETING || group->state == GROUP_STABLE))
        rebalance_prepare(group, now_ms);
    if (group->state == GROUP_PREPARING && all_joined(group))
        join_complete(group, now_ms);
}

void group_tick(struct group *group, int64_t now_ms)
{
    for (size_t i = group->pending_count; i > 0; i--) {
        if (group->pending[i - 1].expires_at_ms <= now_ms)
            (void)group_leave(group, group->pending[i - 1].id, slice_null(), now_ms);
    }
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < group->member_count && !again; i++) {
            struct group_member *member = group->members[i];

            if (member_can_expire(member) && member->expires_at_ms <= now_ms) {
                member_gone(group, member, now_ms);
                again = true; /* the list is another one now */
            }
        }
    }
    if (group->sync_ends_at_ms <= now_ms)
        sync_time_is_up(group, now_ms);
    if (group->state == GROUP_PREPARING && group->join_ends_at_ms <= now_ms)
        join_time_is_up(group, now_ms);
}
