/* api_agent_keys.c: GET /agents/NAME/keys/KEY: what an agent keeps of a key right now, for those who score elsewhere. */
#include "web/api.h"

#include "agents/agents.h"
#include "base/banned.h"

#define STATE_BYTES_MAX ((size_t)4 << 20)

void api_agent_key(struct api_call *call)
{
    struct agents *agents = api_settings_of(call->api)->agents;
    const char *name = call->parts[0], *key = call->parts[1];
    struct agent *agent = agents == NULL ? NULL : agents_take(agents, name);
    struct agent_status status;
    struct buffer text;
    json_t *state = NULL;

    if (agent == NULL) {
        api_error(call, 404, "UNKNOWN_AGENT", arena_format(call->arena, "Agent %.80s does not run in this program.", name),
                  "Only agents that run inside keep their state here.", "GET /agents lists them.");
        return;
    }
    agent_status_read(agent, &status);
    buffer_init(&text, STATE_BYTES_MAX);
    if (agent_key_describe(agent, key, &text))
        state = json_loadb((const char *)text.data, text.size, JSON_DECODE_ANY, NULL);
    buffer_finish(&text);
    if (state == NULL)
        api_error(call, 404, "UNKNOWN_KEY", arena_format(call->arena, "Agent %s keeps nothing of key %.200s.", name, key),
                  status.states.evicted > 0 ? arena_format(call->arena, "It never saw a row of it, or dropped it for room: %llu keys were (state.keys.max, state.bytes.max).", (unsigned long long)status.states.evicted)
                  : status.lag > 0          ? "It has not seen a row of it yet; some wait to be read."
                                            : "It never saw a row of it.",
                  NULL);
    else
        api_json(call, 200, json_pack("{s:s, s:s, s:o, s:o, s:o}", "agent", name, "rule", agent_rule(agent), "key", json_slice(slice_from_string(key)), "event_time_us",
                                      json_integer_or_null(status.event_time_us == 0 ? -1 : status.event_time_us), "state", state));
    agents_give(agents);
}
