#include "web/problems.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "web/gone.h"
#include "web/problem_alerts.h"
#include "web/problem_find.h"

#define GOOD_MS 30000 /* a problem is over after so long without it */
#define WHY_BYTES_MAX (1 << 20)

struct problems {
    pthread_mutex_t lock; /* guards quiet, and open where it is changed and where others than the sampler read it; a leaf */
    json_t *quiet;        /* id to when it may be said again, ms */
    json_t *open;         /* id to the problem as it was seen last, with seen_ms */
    int64_t looked_ms;    /* when problems_now was called last */
    struct problem_alerts *alerts;
};

struct problems *problems_create(struct log *log, const char *topic)
{
    struct problems *problems = memory_new(sizeof(*problems));

    (void)pthread_mutex_init(&problems->lock, NULL);
    problems->quiet = json_object();
    problems->open = json_object();
    problems->alerts = problem_alerts_create(log, topic);
    return problems;
}

void problems_destroy(struct problems *problems)
{
    if (problems == NULL)
        return;
    json_decref(problems->quiet);
    json_decref(problems->open);
    problem_alerts_destroy(problems->alerts);
    (void)pthread_mutex_destroy(&problems->lock);
    memory_free(problems);
}

/* ---- Over time ---- */

static int rank(const json_t *problem)
{
    const char *severity = member_text(problem, "severity");

    return strcmp(severity, "crit") == 0 ? 0 : strcmp(severity, "warn") == 0 ? 1 : 2;
}

/* Takes what was found into what is open: since when, and what is new. */
static void track(struct problems *problems, struct api *api, const json_t *found, int64_t now_ms)
{
    json_t *problem;
    size_t index;

    json_array_foreach(found, index, problem) {
        const char *id = member_text(problem, "id");
        const json_t *known = json_object_get(problems->open, id);

        if (known == NULL)
            api_event(api, member_text(problem, "severity"), member_text(json_object_get(problem, "subject"), "name"), member_text(problem, "title"));
        else
            json_put(problem, "since_ms", json_copy(json_object_get(known, "since_ms")));
        json_put(problem, "seen_ms", json_integer(now_ms));
        (void)pthread_mutex_lock(&problems->lock);
        json_put(problems->open, id, json_incref(problem));
        (void)pthread_mutex_unlock(&problems->lock);
        problem_alerts_open(problems->alerts, problem);
    }
}

/* It was not seen for long, or what it is about was deleted. */
static bool is_over(struct api *api, const json_t *problem, int64_t now_ms)
{
    const json_t *subject = json_object_get(problem, "subject");
    int64_t unseen_ms = now_ms - member_integer(problem, "seen_ms", 0);

    return unseen_ms >= GOOD_MS || (unseen_ms > 0 && gone_knows(api_gone_book(api), member_text(subject, "kind"), member_text(subject, "name")));
}

static void close_old(struct problems *problems, struct api *api, int64_t now_ms)
{
    const char *id;
    char over[400];
    json_t *problem;
    void *next;

    json_object_foreach_safe(problems->open, next, id, problem) {
        if (!is_over(api, problem, now_ms))
            continue;
        (void)snprintf(over, sizeof(over), "Over: %s", member_text(problem, "title"));
        api_event(api, "ok", member_text(json_object_get(problem, "subject"), "name"), over);
        (void)pthread_mutex_lock(&problems->lock);
        (void)json_object_del(problems->open, id);
        (void)pthread_mutex_unlock(&problems->lock);
    }
}

/* Nobody makes one quiet by which something is lost. */
static bool is_quiet(struct problems *problems, const json_t *problem, int64_t now_ms)
{
    const char *id = member_text(problem, "id");
    bool quiet;

    if (problem_loss(member_text(problem, "code")) != NULL)
        return false;
    (void)pthread_mutex_lock(&problems->lock);
    quiet = member_integer(problems->quiet, id, 0) > now_ms;
    (void)pthread_mutex_unlock(&problems->lock);
    return quiet;
}

bool problems_quiet(struct problems *problems, const char *id, int64_t minutes)
{
    bool known;

    (void)pthread_mutex_lock(&problems->lock);
    known = json_object_get(problems->open, id) != NULL;
    if (known)
        json_put(problems->quiet, id, json_integer(clock_now_ms() + minutes * 60000));
    (void)pthread_mutex_unlock(&problems->lock);
    return known;
}

json_t *problems_now(struct problems *problems, struct api *api, const json_t *description, const json_t *connectors, const json_t *groups)
{
    json_t *found, *shown = json_array(), *problem;
    int64_t now_ms = clock_now_ms();
    const char *id;

    found = problems_find(api, description, connectors, groups);
    problems->looked_ms = now_ms;
    track(problems, api, found, now_ms);
    close_old(problems, api, now_ms);
    problem_alerts_close_others(problems->alerts, problems->open);
    json_decref(found);
    for (int wanted = 0; wanted < 3; wanted++) {
        json_object_foreach(problems->open, id, problem) {
            json_t *copy;

            if (rank(problem) != wanted || is_quiet(problems, problem, now_ms))
                continue;
            copy = json_copy(problem);
            (void)json_object_del(copy, "seen_ms");
            json_add(shown, copy);
        }
    }
    return shown;
}

static void plain_add(json_t *plain, const json_t *problem)
{
    const json_t *subject = json_object_get(problem, "subject");
    json_t *one = json_object();
    struct buffer why;

    json_t *reason = json_copy(json_object_get(problem, "why"));

    buffer_init(&why, WHY_BYTES_MAX);
    if (member_text(json_array_get(reason, 0), "link") != NULL && strcmp(member_text(json_array_get(reason, 0), "text"), member_text(subject, "name")) == 0) {
        (void)json_array_remove(reason, 0); /* the title names it already */
        (void)json_array_remove(reason, 0);
    }
    reason_append(reason, &why);
    json_put(one, "id", json_copy(json_object_get(problem, "id")));
    json_put(one, "code", json_copy(json_object_get(problem, "code")));
    json_put(one, "severity", json_copy(json_object_get(problem, "severity")));
    json_put(one, "kind", json_copy(json_object_get(subject, "kind")));
    json_put(one, "name", json_copy(json_object_get(subject, "name")));
    json_put(one, "what", json_copy(json_object_get(problem, "title")));
    json_put(one, "why", json_slice(buffer_slice(&why)));
    json_put(one, "do", json_copy(json_object_get(problem, "todo")));
    json_put(one, "lost", strcmp(member_text(subject, "kind"), "connector") == 0 || strcmp(member_text(subject, "kind"), "slot") == 0 ? json_copy(json_object_get(problem, "lost")) : json_null());
    json_put(one, "since_ms", json_copy(json_object_get(problem, "since_ms")));
    json_add(plain, one);
    json_decref(reason);
    buffer_finish(&why);
}

bool problems_lose(const json_t *problems)
{
    const json_t *problem;
    size_t index;

    json_array_foreach(problems, index, problem) {
        const char *code = member_text(problem, "code");

        if (strcmp(code, "slot_lost") == 0 || strcmp(code, "slot_lost_wal") == 0)
            return true;
    }
    return false;
}

json_t *problems_plain(struct problems *problems)
{
    json_t *plain = json_array();
    const json_t *problem;
    const char *id;

    for (int wanted = 0; wanted < 3; wanted++) {
        json_object_foreach(problems->open, id, problem) {
            if (rank(problem) == wanted && member_integer(problem, "seen_ms", 0) == problems->looked_ms && !is_quiet(problems, problem, problems->looked_ms))
                plain_add(plain, problem);
        }
    }
    return plain;
}
