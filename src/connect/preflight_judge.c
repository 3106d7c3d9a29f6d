/* preflight_judge.c: what the facts about a server, a publication and its tables mean. */
#include "connect/preflight.h"

#include "base/banned.h"
#include "base/time.h"
#include "capture/connection.h"
#include "capture/slot.h"
#include "wire/postgres/pgoutput.h"

#include <stdlib.h>

#define NAMES_SHOWN 8
#define STATEMENTS_MAX 100
#define OLDEST_SERVER 100000
#define STANDBY_DECODES_FROM 160000
#define SKEW_INFO_US (1 * US_PER_SECOND)
#define SKEW_WARN_US (60 * US_PER_SECOND)
#define WAL_MUCH (INT64_C(1) << 30)

struct judge {
    const struct preflight_facts *facts;
    const struct preflight_server *server;
    struct findings *findings;
    struct arena *arena;
};

#define ADD(judge, code, state, ...) findings_add((judge)->findings, FINDING_##code, FINDING_IS_##state, __VA_ARGS__)

/* ---- The connection ---- */

static bool contains(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void connection_judge(struct judge *judge)
{
    const char *message = judge->server->failure.message, *line_end = strchrnul(message, '\n');
    bool refused = contains(message, "FATAL:") && (contains(message, "authentication failed") || contains(message, "no password supplied") || contains(message, "pg_hba.conf") ||
                                                   contains(message, "role \"") || contains(message, "database \""));
    bool no_password = contains(message, "no password supplied");
    struct finding *finding;

    if (judge->server->is_connected) {
        (void)ADD(judge, connect, OK, "PostgreSQL %s answers", judge->server->version);
        (void)ADD(judge, login, OK, "as %s in database %s", judge->server->role, judge->server->database);
        return;
    }
    if (refused) {
        (void)ADD(judge, connect, OK, "PostgreSQL answers");
        finding = ADD(judge, login, ERROR, "%.*s", (int)(line_end - message), message);
        finding->title = contains(message, "database \"") && contains(message, "does not exist") ? "The database does not exist" : "PostgreSQL does not let us in";
        finding->property = no_password || contains(message, "password authentication") ? "database.password" : contains(message, "database \"") ? "database.dbname" : "database.user";
    } else {
        finding = ADD(judge, connect, ERROR, "%.*s", (int)(line_end - message), message);
        finding->title = "PostgreSQL cannot be reached";
        finding->property = contains(message, "'database.port'") ? "database.port" : "database.hostname";
    }
    if (*line_end != '\0')
        finding->todo = arena_copy_string(judge->arena, slice_from_string(line_end + 1));
}

/* ---- The server ---- */

static void version_judge(struct judge *judge)
{
    const struct preflight_server *server = judge->server;
    struct finding *finding;

    if (server->version_number < OLDEST_SERVER) {
        finding = ADD(judge, server_version, ERROR, "%s has no pgoutput.", server->version);
        finding->title = "This PostgreSQL is too old";
        finding->todo = "Upgrade to version 10 or later; 13 or later can limit the WAL that a slot keeps.";
    } else if (server->version_number < 130000) {
        finding = ADD(judge, server_version, WARN, "%s cannot limit the WAL that a stopped connector keeps, and is not maintained any more.", server->version);
        finding->todo = "Upgrade to version 13 or later.";
    } else {
        (void)ADD(judge, server_version, OK, "%s", server->version);
    }
    if (!server->is_standby) {
        (void)ADD(judge, standby, OK, "primary");
    } else if (server->version_number < STANDBY_DECODES_FROM) {
        finding = ADD(judge, standby, ERROR, "It is a standby, and version %s decodes on the primary only.", server->version);
        finding->title = "This is a standby";
        finding->property = "database.hostname";
        finding->todo = "Connect to the primary.";
    } else {
        finding = ADD(judge, standby, INFO, "It is a standby: the publication has to be made on the primary, and a new slot waits for the primary's next checkpoint.");
        finding->title = "This is a standby";
        finding->todo = "Set hot_standby_feedback = on, so that the primary does not remove catalog rows that decoding needs.";
    }
}

static void wal_level_judge(struct judge *judge)
{
    const struct preflight_server *server = judge->server;
    const char *in_file = server->wal_level_in_file;
    struct finding *finding;

    if (strcmp(server->wal_level, "logical") == 0) {
        finding = ADD(judge, wal_level, OK, "logical");
        if (in_file != NULL) {
            finding->state = FINDING_IS_WARN;
            finding->found = arena_format(judge->arena, "logical now, but %s after the next restart of PostgreSQL.", in_file);
            finding->title = "wal_level does not stay logical";
            finding->sql = "ALTER SYSTEM SET wal_level = logical;";
            finding->is_safe = true;
        }
    } else if (in_file != NULL && strcmp(in_file, "logical") == 0) {
        finding = ADD(judge, wal_level, ERROR, "It is %s; logical is set already and takes effect when PostgreSQL restarts.", server->wal_level);
        finding->title = "PostgreSQL has to be restarted for wal_level = logical";
        finding->command = "systemctl restart postgresql";
    } else {
        finding = ADD(judge, wal_level, ERROR, "It is %s.", server->wal_level);
        finding->title = "wal_level is not logical";
        finding->sql = "ALTER SYSTEM SET wal_level = logical;\n-- then restart PostgreSQL: systemctl restart postgresql";
        finding->is_safe = true;
    }
}

static void role_judge(struct judge *judge)
{
    const struct preflight_server *server = judge->server;
    struct finding *finding;

    if (!server->is_superuser && !server->may_replicate && !server->has_rds_role) {
        finding = ADD(judge, replication_role, ERROR, "Role %s has no REPLICATION.", server->role);
        finding->title = "The role may not replicate";
        finding->property = "database.user";
        finding->sql = arena_format(judge->arena, "ALTER ROLE %s REPLICATION;", pg_connection_quote(judge->arena, server->role));
        finding->todo = "On Amazon RDS instead: GRANT rds_replication to it.";
        finding->is_safe = true;
    } else if (server->replication_failure != NULL) {
        const char *line_end = strchrnul(server->replication_failure, '\n');

        finding = ADD(judge, replication_role, ERROR, "%.*s", (int)(line_end - server->replication_failure), server->replication_failure);
        finding->title = "PostgreSQL refuses a replication connection";
        finding->todo = *line_end != '\0' ? line_end + 1 : "Look at pg_hba.conf, max_wal_senders, and poolers between here and PostgreSQL: they pass no replication.";
    } else {
        (void)ADD(judge, replication_role, OK, "%s %s", server->role, server->is_superuser ? "is a superuser" : "may replicate");
    }
}

/* Slots or senders. needed: how many more the connector takes. */
static void left_judge(struct judge *judge, enum finding_code code, int64_t max, int64_t used, int needed, const char *setting, const char *what)
{
    int64_t left = max - used;
    struct finding *finding;

    if (left >= needed) {
        (void)findings_add(judge->findings, code, FINDING_IS_OK, "%lld of %lld free", (long long)left, (long long)max);
        return;
    }
    finding = findings_add(judge->findings, code, FINDING_IS_ERROR, "All %lld are taken (%s).", (long long)max, setting);
    finding->title = arena_format(judge->arena, "No %s is free", what);
    finding->sql = arena_format(judge->arena, "ALTER SYSTEM SET %s = %lld;\n-- then restart PostgreSQL: systemctl restart postgresql", setting, (long long)(max + 10));
    finding->is_safe = true;
}

static const struct preflight_slot *slot_find(const struct preflight_server *server, const char *name)
{
    for (size_t i = 0; name != NULL && i < server->slot_count; i++) {
        if (strcmp(server->slots[i].name, name) == 0)
            return &server->slots[i];
    }
    return NULL;
}

static void slots_judge(struct judge *judge)
{
    const struct preflight_facts *facts = judge->facts;
    bool has_slot = facts->is_running || slot_find(judge->server, facts->slot) != NULL;
    struct finding *finding;

    left_judge(judge, FINDING_slots_free, judge->server->slots_max, judge->server->slots_used, has_slot ? 0 : 1, "max_replication_slots", "replication slot");
    for (size_t i = 0; i < judge->server->slot_count && findings_find(judge->findings, FINDING_slots_free)->state == FINDING_IS_ERROR; i++) {
        if (judge->server->slots[i].is_active)
            continue;
        finding = judge->findings->items[judge->findings->count - 1];
        finding->todo = arena_format(judge->arena, "Or drop a slot that nobody reads any more, such as %s: SELECT pg_drop_replication_slot('%s').", judge->server->slots[i].name,
                                     judge->server->slots[i].name);
        break;
    }
    left_judge(judge, FINDING_senders_free, judge->server->senders_max, judge->server->senders_used, facts->is_running ? 0 : 1, "max_wal_senders", "WAL sender");
}

static void clock_judge(struct judge *judge)
{
    const struct preflight_server *server = judge->server;
    int64_t skew_us = llabs(server->skew_us) > server->skew_within_us ? llabs(server->skew_us) : 0;
    struct finding *finding;

    if (server->skew_within_us < 0) {
        (void)ADD(judge, clock, INFO, "not known: PostgreSQL's clock could not be read");
    } else if (skew_us < SKEW_INFO_US) {
        (void)ADD(judge, clock, OK, "%s%.1f ms apart", skew_us == 0 ? "less than " : "", (double)(skew_us == 0 ? server->skew_within_us : skew_us) / 1000);
    } else {
        finding = ADD(judge, clock, INFO, "PostgreSQL's clock is %.1f s %s ours, so delays look %s by as much.", (double)skew_us / 1e6, server->skew_us > 0 ? "ahead of" : "behind",
                      server->skew_us > 0 ? "shorter" : "longer");
        finding->state = skew_us >= SKEW_WARN_US ? FINDING_IS_WARN : FINDING_IS_INFO;
        finding->title = "The clocks differ";
        finding->command = "timedatectl set-ntp true";
    }
}

/* ---- WAL ---- */

/* Half of what is free, in whole GB; 20 when that is not known. */
static const char *limit_proposed(const struct judge *judge)
{
    int64_t half_gb = judge->server->disk_free_bytes / 2 >> 30;

    return judge->server->disk_free_bytes < 0 ? "20GB" : arena_format(judge->arena, "%lldGB", (long long)(half_gb < 1 ? 1 : half_gb));
}

static void wal_limit_judge(struct judge *judge)
{
    int64_t limit = judge->server->wal_limit_bytes, free_bytes = judge->server->disk_free_bytes;
    struct finding *finding;

    if (limit == -2) {
        (void)ADD(judge, wal_limit, INFO, "not known: PostgreSQL before 13 has no max_slot_wal_keep_size");
    } else if (limit >= 0 && (free_bytes < 0 || limit <= free_bytes)) {
        (void)ADD(judge, wal_limit, OK, "max_slot_wal_keep_size is %s", bytes_text(judge->arena, limit));
    } else {
        if (limit < 0)
            finding = ADD(judge, wal_limit, WARN, "max_slot_wal_keep_size is unlimited.");
        else
            finding = ADD(judge, wal_limit, WARN, "max_slot_wal_keep_size is %s, and %s are free on its disk.", bytes_text(judge->arena, limit), bytes_text(judge->arena, free_bytes));
        finding->title = "A stopped connector could fill PostgreSQL's disk";
        finding->sql = arena_format(judge->arena, "ALTER SYSTEM SET max_slot_wal_keep_size = '%s';\nSELECT pg_reload_conf();", limit_proposed(judge));
        finding->is_safe = true;
    }
}

/* Slots that fill the disk: given up, about to be, or unread with much WAL. */
static const struct preflight_slot *worst_slot(const struct judge *judge, int64_t *room)
{
    const struct preflight_slot *worst = NULL;

    *room = judge->server->disk_free_bytes;
    for (size_t i = 0; i < judge->server->slot_count; i++) {
        const struct preflight_slot *slot = &judge->server->slots[i];
        int64_t left = slot->safe_bytes >= 0 ? slot->safe_bytes : judge->server->disk_free_bytes;
        bool is_bad = strcmp(slot->status, "unreserved") == 0 || (slot->wal_bytes > WAL_MUCH && !slot->is_active) || (left >= 0 && slot->wal_bytes > 3 * left);

        if (*room < 0 || (left >= 0 && left < *room))
            *room = left;
        if (is_bad && (worst == NULL || slot->wal_bytes > worst->wal_bytes))
            worst = slot;
    }
    return worst;
}

static void headroom_judge(struct judge *judge)
{
    int64_t room;
    const struct preflight_slot *worst = worst_slot(judge, &room);
    struct finding *finding;

    if (worst != NULL) {
        finding = ADD(judge, headroom, WARN, "Slot %s keeps %s of WAL and is %s; %s.", worst->name, bytes_text(judge->arena, worst->wal_bytes), worst->is_active ? "read too slowly" : "read by nobody",
                      room < 0 ? "how much room is left is not known" : arena_format(judge->arena, "%s are left", bytes_text(judge->arena, room)));
        finding->title = "A slot fills PostgreSQL's disk";
        finding->todo = "Start what reads it. Only when nobody needs it any more, drop it:";
        finding->sql = arena_format(judge->arena, "SELECT pg_drop_replication_slot('%s');", worst->name);
    } else if (room >= 0 && room < WAL_MUCH) {
        finding = ADD(judge, headroom, WARN, "%s are left before slots are given up, or the disk is full.", bytes_text(judge->arena, room));
        finding->title = "There is little room for WAL";
        finding->todo = "Make space on PostgreSQL's disk, or raise max_slot_wal_keep_size.";
    } else if (room >= 0) {
        (void)ADD(judge, headroom, OK, "%s", bytes_text(judge->arena, room));
    } else {
        finding = ADD(judge, headroom, INFO, "not known: %s", judge->server->disk_why);
        finding->todo = "Set max_slot_wal_keep_size: then it is known how much is left.";
    }
}

/* ---- The slot ---- */

/* Would the connector, as it is stored, skip changes or be refused? true: said. */
static bool position_judge(struct judge *judge, const struct preflight_slot *slot)
{
    const struct preflight_facts *facts = judge->facts;
    const struct slot is = {.exists = slot != NULL, .restart_lsn = slot == NULL ? 0 : slot->restart_lsn, .confirmed_lsn = slot == NULL ? 0 : slot->confirmed_lsn};
    bool is_past = judge->server->wal_end_lsn != 0 && facts->stored_lsn > judge->server->wal_end_lsn && !facts->always_reads;
    char stored[PG_LSN_TEXT_SIZE], other[PG_LSN_TEXT_SIZE];
    struct finding *finding;
    const char *mend;

    if (facts->stored_lsn == 0 || facts->is_running || (!is_past && (facts->reads_when_lost || !slot_lacks(&is, facts->stored_lsn, facts->trusts_slot))))
        return false;
    pg_lsn_to_text(facts->stored_lsn, stored);
    pg_lsn_to_text(is_past ? judge->server->wal_end_lsn : is.confirmed_lsn, other);
    mend = arena_format(judge->arena, "give the connector another name; or, once one of this name exists and is stopped, let it forget the position: tailrace connectors offsets %s reset.", facts->connector);
    if (is_past)
        finding = ADD(judge, slot_exists, ERROR, "Connector %s has the stored position %s, and this PostgreSQL's WAL ends at %s: the position is another server's.", facts->connector, stored, other);
    else if (slot == NULL)
        finding = ADD(judge, slot_exists, ERROR, "Connector %s has the stored position %s, and slot %s does not exist: what was committed since cannot be streamed.", facts->connector, stored, facts->slot);
    else
        finding = ADD(judge, slot_exists, ERROR, "Connector %s has the stored position %s, and slot %s stands at %s, past it: what was committed in between cannot be streamed.", facts->connector,
                      stored, slot->name, other);
    finding->title = "The stored position is not the slot's";
    if (is_past) {
        finding->todo = arena_format(judge->arena, "Connect to the server that it was of. Or %s", mend);
    } else {
        finding->property = finding->set_key = "snapshot.mode";
        finding->set_value = "when_needed";
        finding->todo = arena_format(judge->arena, "Set snapshot.mode=when_needed to read the tables anew%s. Or %s",
                                     slot == NULL ? "" : ", or offset.mismatch.strategy=trust_slot to go on at the slot and accept the gap", mend);
    }
    return true;
}

static void slot_judge(struct judge *judge)
{
    const struct preflight_facts *facts = judge->facts;
    const struct preflight_slot *slot = slot_find(judge->server, facts->slot);
    struct finding *finding;

    if (facts->slot_taken_by != NULL) {
        finding = ADD(judge, slot_name, ERROR, "Connector %s reads slot %s of this database.", facts->slot_taken_by, facts->slot);
        finding->title = "The slot belongs to another connector";
        finding->property = finding->set_key = "slot.name";
        finding->set_value = arena_format(judge->arena, "%.*s_2", 61, facts->slot);
    } else {
        (void)ADD(judge, slot_name, OK, facts->others_known ? "%s is no other connector's" : "%s; whether another connector here has it is not known, because the program does not run", facts->slot);
    }
    if (slot == NULL) {
        if (!position_judge(judge, slot))
            (void)ADD(judge, slot_exists, OK, "%s will be made", facts->slot);
    } else if (facts->slot_taken_by != NULL) {
        return; /* said */
    } else if (!slot->is_logical || strcmp(slot->plugin, "pgoutput") != 0 || !slot->is_here) {
        finding = ADD(judge, slot_exists, ERROR, "Slot %s exists with %s%s for %s%s.", slot->name, slot->is_logical ? "plugin " : "physical replication", slot->plugin,
                      slot->is_logical ? "database " : "a standby", slot->database);
        finding->title = "The slot is another one's";
        finding->property = finding->set_key = "slot.name";
        finding->set_value = arena_format(judge->arena, "%.*s_2", 61, slot->name);
        finding->todo = arena_format(judge->arena, "Use another slot.name or, when nobody needs that slot, SELECT pg_drop_replication_slot('%s').", slot->name);
    } else if (strcmp(slot->status, "lost") == 0) {
        finding = ADD(judge, slot_exists, ERROR, "PostgreSQL has removed WAL that slot %s needs (wal_status is lost).", slot->name);
        finding->title = "The slot is lost";
        finding->todo = arena_format(judge->arena, "SELECT pg_drop_replication_slot('%s'), and start with snapshot.mode=when_needed, which reads the tables anew.", slot->name);
    } else if (slot->is_active && !facts->is_running) {
        finding = ADD(judge, slot_exists, ERROR, "Slot %s is read by PID %lld%s%s.", slot->name, (long long)slot->pid, slot->application[0] == '\0' ? "" : ", application ", slot->application);
        finding->title = "The slot is in use";
        finding->property = "slot.name";
        finding->todo = arena_format(judge->arena, "Stop that program, or give this connector a slot.name of its own; SELECT pg_terminate_backend(%lld) ends it.", (long long)slot->pid);
    } else if (position_judge(judge, slot)) {
        return; /* said */
    } else if (facts->is_running) {
        (void)ADD(judge, slot_exists, OK, "%s is %s, keeps %s of WAL", slot->name, slot->is_active ? "read by this connector" : "not read at the moment",
                  slot->wal_bytes < 0 ? "an unknown amount" : bytes_text(judge->arena, slot->wal_bytes));
    } else {
        finding = ADD(judge, slot_exists, INFO, "%s exists and will be used from where it stands: it keeps %s of WAL.", slot->name,
                      slot->wal_bytes < 0 ? "an unknown amount" : bytes_text(judge->arena, slot->wal_bytes));
        finding->title = "The slot exists";
    }
}

/* ---- Statements for many tables ---- */

struct many {
    struct name_list names;
    struct buffer sql;
    size_t statements;
};

static void many_init(struct many *many)
{
    *many = (struct many){.statements = 0};
    name_list_init(&many->names, NAMES_SHOWN);
    buffer_init(&many->sql, 1 << 20);
}

/* format  of the statement, with the table's quoted name as %s; NULL: none */
static void many_add(struct many *many, const struct preflight_table *table, const char *before, const char *after)
{
    name_list_add(&many->names, table->name);
    if (before == NULL)
        return;
    if (many->statements++ < STATEMENTS_MAX)
        buffer_append_format(&many->sql, "%s%s%s%s", many->sql.size == 0 ? "" : "\n", before, table->quoted, after);
}

/* Finishes it. Gives NULL when there is no table; else the names, and the statements in *sql. */
static const char *many_end(struct many *many, struct arena *arena, const char **sql)
{
    if (many->statements > STATEMENTS_MAX)
        buffer_append_format(&many->sql, "\n-- and so on for %zu more", many->statements - STATEMENTS_MAX);
    *sql = many->sql.size == 0 ? NULL : arena_copy_string(arena, buffer_slice(&many->sql));
    buffer_finish(&many->sql);
    return name_list_end(&many->names, arena);
}

static bool is_read(const struct preflight_table *table)
{
    return table->is_captured && table->kind == 'r';
}

/* ---- The publication ---- */

/* Will the connector make the publication, or change it to its own tables? */
static bool publication_is_managed(const struct preflight_facts *facts)
{
    return facts->publication_mode == PUBLICATION_FILTERED || (facts->publication_mode == PUBLICATION_ALL_TABLES && !facts->publication.exists);
}

static void publication_missing_judge(struct judge *judge)
{
    const struct preflight_facts *facts = judge->facts;
    const char *name = pg_connection_quote(judge->arena, facts->publication.name), *sql;
    struct finding *finding;
    struct many foreign;

    if (facts->publication_mode == PUBLICATION_DISABLED || judge->server->is_standby) {
        finding = ADD(judge, publication, ERROR, "%s does not exist%s.", facts->publication.name,
                      judge->server->is_standby ? ", and a standby cannot be given one" : ", and publication.autocreate.mode=disabled keeps the connector from making it");
        finding->title = "The publication is missing";
        finding->property = "publication.name";
        finding->sql = arena_format(judge->arena, "CREATE PUBLICATION %s FOR ALL TABLES;", name);
        finding->is_safe = !judge->server->is_standby;
    } else if (facts->publication_mode == PUBLICATION_ALL_TABLES && !judge->server->is_superuser) {
        finding = ADD(judge, publication, ERROR, "%s does not exist, and only a superuser may make one for all tables.", facts->publication.name);
        finding->title = "The connector may not make its publication";
        finding->property = finding->set_key = "publication.autocreate.mode";
        finding->set_value = "filtered";
        finding->todo = "Either the property, and the role owns the tables, or as a superuser the statement.";
        finding->sql = arena_format(judge->arena, "CREATE PUBLICATION %s FOR ALL TABLES;", name);
        finding->is_safe = true;
    } else if (facts->publication_mode == PUBLICATION_FILTERED && !judge->server->is_superuser && !judge->server->may_create) {
        finding = ADD(judge, publication, ERROR, "%s does not exist, and role %s may not make it.", facts->publication.name, judge->server->role);
        finding->title = "The connector may not make its publication";
        finding->sql = arena_format(judge->arena, "GRANT CREATE ON DATABASE %s TO %s;", pg_connection_quote(judge->arena, judge->server->database), pg_connection_quote(judge->arena, judge->server->role));
        finding->is_safe = true;
    } else {
        (void)ADD(judge, publication, OK, "%s will be made", facts->publication.name);
    }
    many_init(&foreign);
    for (size_t i = 0; facts->publication_mode == PUBLICATION_FILTERED && !judge->server->is_superuser && i < facts->table_count; i++) {
        if (facts->tables[i].is_captured && !facts->tables[i].is_owner)
            many_add(&foreign, &facts->tables[i], NULL, NULL);
    }
    sql = many_end(&foreign, judge->arena, &sql);
    if (sql != NULL) {
        finding = ADD(judge, publication, ERROR, "Role %s does not own %s, and PostgreSQL publishes tables for their owner only.", judge->server->role, sql);
        finding->title = "The connector may not publish these tables";
        finding->todo = "Make the publication as a superuser and set publication.autocreate.mode=disabled, or make the role a member of the owner.";
    }
}

static void unpublished_judge(struct judge *judge)
{
    const struct preflight_facts *facts = judge->facts;
    const char *names, *sql, *before = arena_format(judge->arena, "ALTER PUBLICATION %s ADD TABLE ", pg_connection_quote(judge->arena, facts->publication.name));
    struct many many;
    struct finding *finding;

    many_init(&many);
    for (size_t i = 0; !facts->publication.is_all_tables && i < facts->table_count; i++) {
        if (is_read(&facts->tables[i]) && !facts->tables[i].is_partition && !facts->tables[i].is_published && facts->tables[i].persistence == 'p')
            many_add(&many, &facts->tables[i], before, ";");
    }
    names = many_end(&many, judge->arena, &sql);
    if (names != NULL) {
        finding = ADD(judge, publication, ERROR, "%s lacks %s: their changes do not arrive.", facts->publication.name, names);
        finding->title = "Captured tables are not published";
        finding->sql = sql;
        finding->is_safe = true;
    } else {
        (void)ADD(judge, publication, OK, "%s publishes %s", facts->publication.name, facts->publication.is_all_tables ? "all tables" : "what is captured");
    }
}

static void publication_judge(struct judge *judge)
{
    const struct preflight_publication *publication = &judge->facts->publication;
    struct finding *finding;

    if (!publication->exists) {
        publication_missing_judge(judge);
    } else if (judge->facts->publication_mode == PUBLICATION_FILTERED && publication->is_all_tables) {
        finding = ADD(judge, publication, ERROR, "%s is for all tables, and publication.autocreate.mode=filtered would have to change it, which PostgreSQL does not do.", publication->name);
        finding->title = "The publication does not fit the mode";
        finding->property = finding->set_key = "publication.autocreate.mode";
        finding->set_value = "all_tables";
    } else if (judge->facts->publication_mode == PUBLICATION_FILTERED) {
        (void)ADD(judge, publication, OK, "%s will have the tables that are captured", publication->name);
    } else {
        unpublished_judge(judge);
    }
    if (publication->exists && !(publication->inserts && publication->updates && publication->deletes)) {
        finding = ADD(judge, publication, WARN, "%s does not publish%s%s%s.", publication->name, publication->inserts ? "" : " INSERT", publication->updates ? "" : " UPDATE", publication->deletes ? "" : " DELETE");
        finding->title = "The publication leaves changes out";
        finding->sql = arena_format(judge->arena, "ALTER PUBLICATION %s SET (publish = 'insert, update, delete, truncate');", pg_connection_quote(judge->arena, publication->name));
    }
}

/* ---- Tables ---- */

static size_t captured_count(const struct preflight_facts *facts)
{
    size_t captured = 0;

    for (size_t i = 0; i < facts->table_count; i++)
        captured += facts->tables[i].is_captured;
    return captured;
}

static void matches_judge(struct judge *judge)
{
    const struct preflight_facts *facts = judge->facts;
    size_t captured = captured_count(facts);
    struct finding *finding;
    struct many unlogged;
    const char *names, *sql;

    many_init(&unlogged);
    for (size_t i = 0; i < facts->table_count; i++) {
        if (facts->tables[i].is_captured && facts->tables[i].persistence == 'u')
            many_add(&unlogged, &facts->tables[i], "ALTER TABLE ", " SET LOGGED;");
    }
    names = many_end(&unlogged, judge->arena, &sql);
    if (facts->filter_problem != NULL) {
        finding = ADD(judge, tables_match, ERROR, "%s", facts->filter_problem);
        finding->title = "Which tables are captured cannot be said";
    } else if (captured == 0 && facts->table_count > 0 && facts->has_config) {
        finding = ADD(judge, tables_match, WARN, "None of %zu matches the lists.", facts->table_count);
        finding->title = "No table is captured";
        finding->property = "table.include.list";
    } else if (captured == 0) {
        finding = ADD(judge, tables_match, INFO, "The database %s has no table yet.", judge->server->database);
    } else {
        (void)ADD(judge, tables_match, OK, facts->has_config ? "%zu of %s%zu captured" : "%zu", captured, facts->tables_cut ? "more than " : "", facts->table_count);
    }
    if (facts->unmatched != NULL) {
        finding = ADD(judge, tables_match, WARN, "No table matches %s.", facts->unmatched);
        finding->title = "An item of table.include.list matches nothing";
        finding->property = "table.include.list";
    }
    if (names != NULL) {
        finding = ADD(judge, tables_match, WARN, "%s: changes of unlogged tables are not in the write-ahead log.", names);
        finding->title = "Unlogged tables do not arrive";
        finding->sql = sql; /* rewrites the table: to be run by a person */
    }
}

static void rights_judge(struct judge *judge)
{
    const struct preflight_facts *facts = judge->facts;
    const char *role = pg_connection_quote(judge->arena, judge->server->role), *names, *sql;
    struct many many;
    struct finding *finding;
    const char *before = NULL;

    many_init(&many);
    for (size_t i = 0; i < facts->table_count; i++) {
        if (!facts->tables[i].is_captured || facts->tables[i].may_read)
            continue;
        if (before == NULL || strcmp(before, facts->tables[i].schema) != 0) {
            before = facts->tables[i].schema;
            buffer_append_format(&many.sql, "%sGRANT USAGE ON SCHEMA %s TO %s;", many.sql.size == 0 ? "" : "\n", pg_connection_quote(judge->arena, before), role);
        }
        many_add(&many, &facts->tables[i], "GRANT SELECT ON ", arena_format(judge->arena, " TO %s;", role));
    }
    names = many_end(&many, judge->arena, &sql);
    if (names == NULL) {
        if (facts->table_count > 0)
            (void)ADD(judge, table_rights, OK, facts->has_config ? "%s may read what is captured" : "%s may read every table", judge->server->role);
        return;
    }
    finding = ADD(judge, table_rights, ERROR, "Role %s may not read %s.", judge->server->role, names);
    finding->state = facts->reads_rows || !facts->has_config ? FINDING_IS_ERROR : FINDING_IS_INFO;
    finding->title = "The role may not read tables";
    finding->property = "database.user";
    finding->sql = sql;
    finding->is_safe = true;
}

static void keys_judge(struct judge *judge)
{
    const struct preflight_facts *facts = judge->facts;
    struct many many;
    const char *names, *sql;
    struct finding *finding;

    many_init(&many);
    for (size_t i = 0; i < facts->table_count; i++) {
        const struct preflight_table *table = &facts->tables[i];

        if (table->is_captured && !table->has_primary_key && !table->has_unique_index && !table->has_own_key)
            many_add(&many, table, NULL, NULL);
    }
    names = many_end(&many, judge->arena, &sql);
    if (names == NULL)
        (void)ADD(judge, primary_key, OK, "every table has a key");
    if (names == NULL)
        return;
    finding = ADD(judge, primary_key, WARN, "%s: no primary key and no unique index.", names);
    finding->title = "Tables have no key";
    finding->todo = "Give them a primary key, ALTER TABLE … ADD PRIMARY KEY (…), or name columns that identify a row in message.key.columns.";
}

/* UPDATE and DELETE of a published table fail when PostgreSQL has nothing to identify the row by. */
static bool would_refuse(const struct preflight_facts *facts, const struct preflight_table *table)
{
    bool published = facts->publication.exists && !publication_is_managed(facts) ? table->is_published : is_read(table);
    bool changes = facts->publication.exists ? facts->publication.updates || facts->publication.deletes : !(facts->skips_updates && facts->skips_deletes);

    return facts->has_config && is_read(table) && published && changes && table->persistence == 'p' &&
           (table->replica_identity == 'n' || (table->replica_identity == 'd' && !table->has_primary_key));
}

static void identity_judge(struct judge *judge)
{
    const struct preflight_facts *facts = judge->facts;
    struct many refused, bare;
    const char *names, *sql;
    bool some = false;
    struct finding *finding;

    many_init(&refused);
    many_init(&bare);
    for (size_t i = 0; i < facts->table_count; i++) {
        const struct preflight_table *table = &facts->tables[i];

        some = some || is_read(table);
        if (would_refuse(facts, table) || (!facts->has_config && is_read(table) && (table->replica_identity == 'n' || (table->replica_identity == 'd' && !table->has_primary_key))))
            many_add(&refused, table, "ALTER TABLE ", " REPLICA IDENTITY FULL;");
        else if (is_read(table) && table->replica_identity != 'f')
            many_add(&bare, table, "ALTER TABLE ", " REPLICA IDENTITY FULL;");
    }
    names = many_end(&refused, judge->arena, &sql);
    if (names != NULL) {
        finding = ADD(judge, replica_identity, WARN, "%s: nothing identifies a row, so PostgreSQL refuses UPDATE and DELETE once the table is published.", names);
        finding->title = "UPDATE and DELETE would fail";
        finding->sql = sql;
        finding->is_safe = true;
    }
    some = some && names == NULL;
    names = many_end(&bare, judge->arena, &sql);
    if (names != NULL) {
        finding = ADD(judge, replica_identity, INFO, "%s: an update carries no old row, a delete its key only.", names);
        finding->title = "Updates carry no old row";
        finding->todo = "That is fine unless consumers compare before and after; FULL writes more WAL.";
        finding->sql = sql;
        finding->is_safe = true;
    } else if (some) {
        (void)ADD(judge, replica_identity, OK, "every change carries the old row");
    }
}

static void types_judge(struct judge *judge)
{
    const struct preflight_facts *facts = judge->facts;
    struct name_list list;
    const char *names;
    struct finding *finding;

    name_list_init(&list, NAMES_SHOWN);
    for (size_t i = 0; i < facts->table_count; i++) {
        if (facts->tables[i].problem != NULL) {
            finding = ADD(judge, types, ERROR, "%s: %s", facts->tables[i].name, facts->tables[i].problem);
            finding->title = "A table cannot be captured";
        }
        if (facts->tables[i].left_out != NULL)
            name_list_add(&list, arena_format(judge->arena, "%s: %s", facts->tables[i].name, facts->tables[i].left_out));
    }
    names = name_list_end(&list, judge->arena);
    if (names != NULL) {
        finding = ADD(judge, types, WARN, "%s.", names);
        finding->title = "Columns are left out";
        finding->property = finding->set_key = "include.unknown.datatypes";
        finding->set_value = "true";
    } else if (facts->types_looked_at > 0) {
        (void)ADD(judge, types, OK, "every column has a form");
    }
    if (facts->types_why != NULL) {
        finding = ADD(judge, types, INFO, "not known of all tables: %s", facts->types_why);
        finding->title = "Types of some tables were not looked at";
    }
}

/* ---- Topics, snapshot, disk ---- */

static void topics_judge(struct judge *judge)
{
    const struct preflight_facts *facts = judge->facts;
    struct name_list there;
    size_t count = 0;
    const char *names;
    struct finding *finding;

    if (facts->prefix_taken_by != NULL) {
        finding = ADD(judge, prefix_in_use, WARN, "Connector %s has it, too: %s.", facts->prefix_taken_by, facts->prefix);
        finding->title = "topic.prefix is in use";
        finding->property = "topic.prefix";
        finding->todo = "Give each connector a prefix of its own, unless they share topics on purpose.";
    } else if (facts->prefix != NULL) {
        (void)ADD(judge, prefix_in_use, OK, facts->others_known ? "%s is no other connector's" : "%s; whether another connector here has it is not known, because the program does not run", facts->prefix);
    }
    name_list_init(&there, NAMES_SHOWN);
    for (size_t i = 0; i < facts->table_count; i++) {
        count += facts->tables[i].topic != NULL;
        if (facts->tables[i].topic_exists)
            name_list_add(&there, facts->tables[i].topic);
    }
    names = name_list_end(&there, judge->arena);
    if (!facts->topics_known && count > 0)
        (void)ADD(judge, topics, INFO, "not known: which topics exist, because the program does not run");
    else if (names != NULL && !facts->is_running)
        (void)ADD(judge, topics, INFO, "%s: there already, and appended to", names);
    else if (count > 0)
        (void)ADD(judge, topics, OK, "%zu, made with the first row of each", count);
}

static void snapshot_judge(struct judge *judge)
{
    const struct preflight_facts *facts = judge->facts;
    int64_t rows = 0, bytes = 0;
    size_t unknown = 0, tables = 0;
    struct finding *finding;

    for (size_t i = 0; i < facts->table_count; i++) {
        if (!is_read(&facts->tables[i]))
            continue;
        tables++;
        unknown += facts->tables[i].rows_about < 0;
        rows += facts->tables[i].rows_about < 0 ? 0 : facts->tables[i].rows_about;
        bytes += facts->tables[i].bytes < 0 ? 0 : facts->tables[i].bytes;
    }
    if (!facts->has_config)
        return;
    if (!facts->reads_rows)
        (void)ADD(judge, snapshot_size, OK, "none: snapshot.mode says so");
    else if (!facts->is_running && unknown == tables && tables > 0)
        (void)ADD(judge, snapshot_size, OK, "%s; how many rows is not known, because ANALYZE has not looked at them", bytes_text(judge->arena, bytes));
    else if (!facts->is_running)
        (void)ADD(judge, snapshot_size, OK, "about %lld rows, %s%s", (long long)rows, bytes_text(judge->arena, bytes),
                  unknown > 0 ? arena_format(judge->arena, "; without those of %zu %s that ANALYZE has not looked at", unknown, unknown == 1 ? "table" : "tables") : "");
    if (facts->disk_here_bytes < 0) {
        (void)ADD(judge, disk_here, INFO, "not known: %s", facts->disk_here_why);
    } else if (!facts->is_running && facts->reads_rows && bytes > facts->disk_here_bytes) {
        finding = ADD(judge, disk_here, WARN, "The tables have %s, and %s are free here.", bytes_text(judge->arena, bytes), bytes_text(judge->arena, facts->disk_here_bytes));
        finding->title = "The snapshot may not fit on the disk";
        finding->todo = "Make space, take fewer tables, or keep topics for a shorter time (topic.creation.default.retention.ms).";
    } else {
        finding = ADD(judge, disk_here, OK, "%s free", bytes_text(judge->arena, facts->disk_here_bytes));
        if (facts->disk_here_bytes < (INT64_C(1) << 30)) {
            finding->state = FINDING_IS_WARN;
            finding->title = "There is little room here";
            finding->todo = "Make space, or keep topics for a shorter time.";
        }
    }
}

void preflight_judge(const struct preflight_facts *facts, struct findings *findings)
{
    struct judge judge = {.facts = facts, .server = &facts->server, .findings = findings, .arena = findings->arena};

    connection_judge(&judge);
    if (!facts->server.is_connected)
        return;
    version_judge(&judge);
    wal_level_judge(&judge);
    role_judge(&judge);
    slots_judge(&judge);
    if (facts->has_config && facts->streams) {
        slot_judge(&judge);
        publication_judge(&judge);
    }
    if (facts->tables_why != NULL) {
        (void)ADD(&judge, tables_match, INFO, "not known: %s", facts->tables_why);
    } else {
        matches_judge(&judge);
        if (captured_count(facts) > 0) {
            rights_judge(&judge);
            keys_judge(&judge);
            identity_judge(&judge);
            types_judge(&judge);
        }
        snapshot_judge(&judge);
    }
    topics_judge(&judge);
    wal_limit_judge(&judge);
    headroom_judge(&judge);
    clock_judge(&judge);
}
