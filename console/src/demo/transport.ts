/*
 * transport.ts: a server inside the page, for pictures and tests without one. Only the demo build has it.
 * ?demo=empty|readonly|down|starting|slow|error|login|many|updated puts every page into that state.
 */
import type * as T from '../lib/types';
import * as d from './data';

const state = new URLSearchParams(location.search).get('demo') ?? '';
const began = Date.now();
const now = () => d.NOW + (Date.now() - began);
const wait = (ms: number) => new Promise(done => setTimeout(done, ms));
let loggedIn = state !== 'login';

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
const nothing = () => new Response(null, { status: 204 });
const error = (status: number, code: string, what: string, why: string | null = null, todo: string | null = null, more: Partial<T.ErrorBody> = {}) => json({ error: { code, what, why, todo, field: null, actions: [], request: 'r-91c2', ...more } }, status);
const missing = (what: string) => error(404, 'NOT_FOUND', what, 'It may have been deleted.', 'Go back to the list.');

function page<I>(items: I[], q: URLSearchParams, name: (item: I) => string): Response {
  const text = (q.get('q') ?? '').toLowerCase(), sort = q.get('sort'), dir = q.get('dir') === 'desc' ? -1 : 1;
  let list = items.filter(i => name(i).toLowerCase().includes(text));
  if (sort) list = [...list].sort((a, b) => dir * compare((a as Record<string, unknown>)[sort], (b as Record<string, unknown>)[sort]));
  const offset = Number(q.get('offset') ?? 0), limit = Number(q.get('limit') ?? 200);
  return json({ total: list.length, revision: 1, items: list.slice(offset, offset + limit) });
}
function compare(a: unknown, b: unknown): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a ?? '').localeCompare(String(b ?? ''));
}

/* A body of server-sent events; `feed` gets the function that sends one. */
function events(signal: AbortSignal | null | undefined, feed: (send: (event: string, data: unknown) => void) => Promise<void>): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async start(out) {
      let open = true;
      const close = () => {
        open = false;
        try {
          out.error(new DOMException('aborted', 'AbortError'));
        } catch {
          /* already closed */
        }
      };
      signal?.addEventListener('abort', close);
      await feed((event, data) => {
        if (open) out.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
      });
      if (open) out.close();
    }
  });
  return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
}

const many: T.TopicItem[] = state === 'many' ? Array.from({ length: 5000 }, (_, i) => ({ ...d.topics[i % 8]!, name: `tenant-${String(i).padStart(4, '0')}.public.orders`, in_per_s: 5000 - i })) : [];
const manyAlerts: T.AlertLine[] = state === 'many' ? Array.from({ length: 10_000 }, (_, i) => ({ ...d.alerts[i % 7]!, id: 'A-' + (52117 - i), at_us: d.alerts[0]!.at_us - i * 1e6 })) : [];
const topics = () => (state === 'empty' ? [] : state === 'many' ? many : made);
const made = [...d.topics];
const empty: T.Overview = {
  verdict: { severity: 'ok', text: 'All is well; nothing is connected yet' },
  durable_lsn: null,
  lost: null,
  vitals: { commit_to_agent_p50_ms: null, commit_to_agent_p99_ms: null, rows_per_s: null, alerts_per_min: null, cpu_cores: 0, memory_bytes: 9437184 },
  problems: [],
  columns: [
    { title: 'PostgreSQL', total: 0, nodes: [] },
    { title: 'Capture', total: 0, nodes: [{ id: 'create', name: 'Create a connector', note: 'nothing is captured yet', state: 'idle', path: '/connectors/new', facts: {} }] },
    { title: 'The log', total: 1, nodes: [{ id: 'log', name: 'Durable', note: 'waiting', state: 'ok', path: '/topics', facts: { In: '0 /s', Out: '0 /s', Stored: '0 B', Disk: '61.2 GiB free', Producers: '0' } }] },
    { title: 'Consumers', total: 0, nodes: [] },
    { title: 'Results', total: 0, nodes: [] }
  ],
  edges: [],
  slots: [],
  counts: { topics: 0, groups: 0, connectors: 0, agents: 0, alerts_open: 0, reports: 0 }
};
const overview = () => (state === 'empty' ? empty : state === 'many' ? { ...d.overview, durable_lsn: null } : d.overview);
const who = (): T.Me => ({ ...d.me, now_ms: now(), login: state === 'login' ? 'token' : 'none', access: state === 'readonly' ? 'read' : 'write', read_only_why: state === 'readonly' ? 'console.access in the settings says so.' : null });

const alertStates = new Map<string, T.AlertState>(), demoMutes: T.Mute[] = [];
const lines = () => (state === 'many' ? manyAlerts : d.alerts).map(a => ({ ...a, state: alertStates.get(a.id) ?? a.state }));

async function search(topic: string, q: URLSearchParams, send: (event: string, data: unknown) => void, signal: AbortSignal | null | undefined): Promise<void> {
  const filter = q.get('filter') ?? '', key = q.get('key'), from = q.get('from') ?? 'newest', of = topic === d.TX ? d.messages : topic === 'activity.streaming' ? [d.big, ...d.plain] : topic === 'customers.orders' ? d.plain.map(m => ({ ...m, topic })) : [];
  const part = q.get('p'), list = of.filter(m => (part === null || m.partition === Number(part)) && (key === null || (m.key?.text ?? '').includes(key)));
  const total = d.topics.find(t => t.name === topic)?.messages ?? 0;
  if (from === 'live') {
    for (let i = 0; !signal?.aborted; i++) {
      const base = of[i % Math.max(1, of.length)];
      if (base) send('messages', { items: [{ ...base, offset: base.offset + 1000 + i, at_ms: now() }] });
      send('progress', { scanned: i * 18412, total, found: i, bytes: i * 4e6, took_ms: i * 1000, at: [], skipped: 18362 });
      await wait(1000);
    }
    return;
  }
  const none = /90000/.test(filter), found = none ? [] : list;
  const scanned = filter ? 1204331 : found.length;
  if (filter) {
    send('progress', { scanned: 400000, total, found: Math.min(12, found.length), bytes: 1e9, took_ms: 210, at: [[0, 1]] });
    await wait(60);
  }
  for (let i = 0; i < found.length; i += 20) send('messages', { items: found.slice(i, i + 20) });
  send('progress', { scanned, total, found: found.length, bytes: 3e9, took_ms: filter ? 600 : 12, at: [[0, 1]] });
  send('done', { why: filter ? 'budget' : found.length < 40 ? 'end' : 'limit', cursor: 'c-1', scanned, total });
}

function resetPlan(to: T.ResetTo): T.ResetPlan {
  const plan = (summary: string, read_again: number, skipped: number, parts: [number, number | null, number, number | null, number | null, string][]): T.ResetPlan => ({
    plan: 'p-7Qm2',
    valid_ms: 60000,
    summary,
    read_again,
    skipped,
    blocked: 'The group has 3 members. Kafka refuses a reset while they run: stop them first, then confirm here.',
    command: `kafka-consumer-groups --bootstrap-server localhost:9092 --group customers-service --topic customers.orders:2 --reset-offsets --to-offset ${parts[0]?.[2] ?? 0} --execute`,
    partitions: parts.map(([partition, from, target, from_ms, to_ms, note]) => ({ topic: 'customers.orders', partition, from, to: target, from_ms, to_ms, note }))
  });
  const at = d.NOW - 252000;
  if (to.kind === 'past_one') return plan('1 message is skipped.', 0, 1, [[2, 3605099, 3605100, at, at + 4, 'skips the message that is stuck']]);
  if (to.kind === 'end') return plan('137,480 messages are skipped and never read by this group.', 0, 137480, [[2, 3605099, 3674013, at, d.NOW, 'skips 14:26:55 to now'], [3, 3604305, 3672871, at, d.NOW, 'skips 14:26:56 to now']]);
  if (to.kind === 'beginning') return plan('21,904,387 messages are read again: about 5 h 34 min at 1,093 /s.', 21904387, 0, [[0, 3673980, 0, d.NOW, null, 'reads again from 29 Sep 14:31'], [1, 3673114, 0, d.NOW, null, 'reads again from 29 Sep 14:31']]);
  return plan('954,862 messages are read again.', 954862, 0, [[0, 3673980, 3491889, d.NOW, null, 'reads again from 14:20:00'], [1, 3673114, 3491030, d.NOW, null, 'reads again from 14:20:00'], [2, 3605099, 3491922, at, null, 'reads again from 14:20:00']]);
}

async function stream(watched: string[], send: (event: string, data: unknown) => void, signal: AbortSignal | null | undefined): Promise<void> {
  send('hello', { now_ms: now(), version: d.me.version, access: who().access });
  if (state === 'updated') send('hello', { now_ms: now(), version: '0.9.1', access: 'write' });
  for (let i = 0; !signal?.aborted; i++) {
    if (state === 'starting') send('starting', { step: 'Reading segment 41 of 96', share: 0.43 });
    else if (i > 0)
      for (const what of watched) {
        const [kind, name = ''] = [what.split(':')[0]!, what.slice(what.indexOf(':') + 1)];
        if (kind === 'overview') send('overview', overview());
        if (kind === 'group' && what.includes(':')) send('group', d.groupDetail(name));
        if (kind === 'connector' && what.includes(':')) send('connector', d.connectors.find(c => c.name === name));
      }
    await wait(1000);
  }
}

async function answer(method: string, path: string, q: URLSearchParams, body: Record<string, unknown>, signal: AbortSignal | null | undefined): Promise<Response> {
  const p = path.split('/').filter(Boolean).map(decodeURIComponent), [a, b, c] = p, dry = body.dry_run === true;
  if (a === 'login') {
    if (body.token !== 'demo') return error(401, 'UNAUTHORIZED', 'That token is not known.', null, 'Use the one that was printed at the first start; the file console.token in the data directory has it.');
    loggedIn = true;
    return nothing();
  }
  if (!loggedIn) return error(401, 'UNAUTHORIZED', 'A token is required.');
  if (a === 'me') return json(who());
  if (state === 'error' && a !== 'stream') return error(500, 'DISK', 'Partition 2 cannot be read past offset 32,088,104.', 'Batch 7 of 00000000000032088000.log at byte 4,096 does not match its checksum. The partition is read-only; the other partitions work.', 'Check the disk, then run tailrace doctor --topic fraud-detection.public.transactions to see which rows are affected.');
  const none = state === 'empty';
  switch (a) {
    case 'overview':
      return json(overview());
    case 'problems':
      return method === 'POST' ? nothing() : json({ items: d.problems });
    case 'events':
      return json({ items: none ? [] : q.get('kind') === 'change' ? d.events.filter(e => e.by) : d.events });
    case 'series':
      return json(none ? { t0_ms: now() - 3600000, step_ms: 60000, series: {}, limits: {} } : d.seriesFor((q.get('names') ?? '').split(','), Number(q.get('from_ms')), Number(q.get('to_ms') ?? now()), Number(q.get('points') ?? 60)));
    case 'find': {
      const text = (q.get('q') ?? '').toLowerCase();
      const all: T.Found[] = [
        ...made.map((t): T.Found => ({ kind: 'topic', name: t.name, note: 'topic', path: '/topics/' + t.name })),
        ...d.groups.map((g): T.Found => ({ kind: 'group', name: g.group, note: g.state === 'warn' ? 'group, 4 min 12 s behind' : 'group', path: '/groups/' + g.group })),
        ...d.connectors.map((x): T.Found => ({ kind: 'connector', name: x.name, note: 'connector, ' + x.word.toLowerCase(), path: '/connectors/' + x.name })),
        ...d.alerts.map((x): T.Found => ({ kind: 'alert', name: x.id, note: 'alert, ' + (x.subject ?? '').toLowerCase(), path: '/alerts/' + x.id }))
      ];
      return json({ items: none ? [] : all.filter(i => i.name.toLowerCase().includes(text)).slice(0, Number(q.get('limit') ?? 12)) });
    }
    case 'stream':
      if (state === 'down') {
        await wait(200);
        throw new TypeError('Failed to fetch');
      }
      return events(signal, send => stream((q.get('watch') ?? '').split(','), send, signal));
    case 'topics': {
      if (!b) {
        if (method === 'GET') {
          const kind = q.get('kind');
          return page(topics().filter(t => !kind || t.kind === kind), q, t => t.name);
        }
        const name = String(body.name ?? '');
        if (!/^[\w.-]{1,249}$/.test(name)) return error(400, 'INVALID_TOPIC', `${name || 'The empty name'} cannot be a topic's name.`, null, 'Use letters, digits, dot, underscore and hyphen, at most 249.', { field: 'name' });
        if (made.some(t => t.name === name)) return error(409, 'TOPIC_EXISTS', `Topic ${name} exists already.`, null, 'Choose another name.', { field: 'name' });
        if (dry) return json({ effect: `Topic ${name} is made; no connector writes to it.` });
        made.push({ name, kind: 'plain', partitions: Number(body.partitions ?? 1), messages: 0, bytes: 0, in_per_s: 0, readers: 0, kept_ms: 604800000, policy: 'delete', last_ms: null });
        return json(d.topicDetail(d.TX), 201);
      }
      if (!made.some(t => t.name === b)) return error(404, 'UNKNOWN_TOPIC', `Topic ${b} does not exist.`, 'It was deleted at 14:12:09 by console (operator).', 'Create it, or choose another topic.');
      if (!c) {
        if (method === 'DELETE') return dry ? json({ effect: '8,204,113 messages (1.9 GiB) are gone for good; group customers-service still reads it.', readers: ['customers-service'] }) : nothing();
        return json(d.topicDetail(b) ?? { ...d.topicDetail('customers.orders.dlq'), topic: made.find(t => t.name === b) });
      }
      if (c === 'messages') {
        if (method === 'POST') return json({ partition: 0, offset: 2051029 });
        if (p[3] !== undefined) {
          const all = [...d.messages, d.big, ...d.plain], m = all.find(x => x.topic === b && x.partition === Number(p[3]) && x.offset === Number(p[4])) ?? { ...d.messages[3]!, topic: b, partition: Number(p[3]), offset: Number(p[4]) };
          if (q.get('part')) {
            const whole = m.value?.text ?? '', from = Number(q.get('from') ?? 0), size = Number(q.get('bytes') ?? 65536);
            return new Response(m === d.big ? 'JVBERi0xLjcK'.repeat(6000).slice(0, size) : whole.slice(from, from + size), { headers: { 'Content-Type': 'text/plain' } });
          }
          return json(m);
        }
        const wrong = /[><=]\s*$/.exec(q.get('filter') ?? '');
        if (wrong) return error(400, 'INVALID_FILTER', 'The filter ends where a value is expected.', null, 'Write a number or a text in quotes after the comparison.', { field: 'filter', position: (q.get('filter') ?? '').length });
        return events(signal, send => search(b, q, send, signal));
      }
      if (c === 'schema') return json(d.schema);
      if (c === 'config') return json({ changes: [...Object.entries((body.set ?? {}) as Record<string, string>).map(([name, value]) => ({ name, old: '604800000', new: value, effect: name === 'retention.ms' ? 'about 31 M messages older than 3 d go at the next clean-up, within 5 min' : null })), ...((body.unset ?? []) as string[]).map(name => ({ name, old: '259200000', new: null, effect: null }))] });
      if (c === 'partitions') return json(dry ? { effect: 'Keys move: new messages of a key may go to another partition than its old ones.' } : d.topicDetail(b)!.partitions);
      if (c === 'empty') return dry ? json({ effect: '128,402,118 messages (9.2 GiB) are gone for good; the topic stays.' }) : nothing();
      if (c === 'copy') return json({ count: 40, first: [2, 32100611], last: [0, 31988338] });
      return missing(`There is no ${c} of a topic.`);
    }
    case 'groups': {
      if (!b) return page(none ? [] : d.groups.filter(g => (!q.get('topic') || g.topics!.includes(q.get('topic')!)) && (!q.get('state') || g.state === q.get('state'))), q, g => g.group);
      if (c === 'offsets' && method === 'POST') return dry ? json(resetPlan(body.to as T.ResetTo)) : error(409, 'GROUP_NOT_EMPTY', 'The group has 3 members.', null, 'Stop them, then confirm again.');
      if (method === 'DELETE') return dry ? json({ effect: 'Its committed offsets are forgotten; a consumer of that name starts by its auto.offset.reset.' }) : nothing();
      const g = d.groupDetail(b);
      return g ? json(g) : missing(`Group ${b} does not exist.`);
    }
    case 'connectors': {
      if (!b) return page(none ? [] : d.connectors, q, x => x.name);
      const x = d.connectors.find(y => y.name === b);
      if (!x) return missing(`Connector ${b} does not exist.`);
      if (c === 'tables') return json({ items: d.connectorTables });
      if (c === 'log') return json({ items: d.logs.filter(l => l.part === 'capture') });
      if (c === 'snapshots') return method === 'GET' ? json({ items: [...(x.snapshot ? [x.snapshot] : []), { id: 's-1', kind: 'initial', state: 'done', started_ms: d.NOW - 1e9, ended_ms: d.NOW - 1e9 + 45000, tables: [{ table: 'public.transactions', rows: 4000000, rows_about: 4000000, rows_per_s: null, left_ms: null }], load_max: null }] }) : dry ? json({ effect: 'About 100,000 rows are read, at most 5 % of the database’s time.' }) : json(x.snapshot);
      return json(x);
    }
    case 'connect': {
      if (c && p[3] === 'config' && method === 'GET') return json(d.connectorConfig);
      if (c && p[3] === 'offsets' && method === 'GET') return json({ offsets: [{ partition: { server: 'fraud-detection' }, offset: { lsn: 182641918184, txId: 91204417, ts_usec: 1791289867412906, lsn_commit: 182641918184 } }] });
      await wait(150);
      return method === 'DELETE' ? nothing() : json({ name: c, config: {}, tasks: [] }, 201);
    }
    case 'preflight':
      await wait(40);
      return json({ ...d.preflight, checks: d.preflight.checks.filter(x => x.code !== 'unknown_property' || JSON.stringify(body).includes('database.replication.slot.name')) });
    case 'slots':
      return dry ? json({ effect: '38.2 GiB of WAL are freed. Changes since 08:11 are not captured; a later start takes a new snapshot.' }) : nothing();
    case 'rules':
      return json(d.rules);
    case 'agents':
      if (!b) return page(none ? [] : d.agents, q, x => x.agent);
      if (c === 'keys') return p[3] === '7690' ? json({ agent: b, rule: 'velocity-score', key: '7690', event_time_us: null, state: { transactions: 7 } }) : missing(`Agent ${b} keeps nothing of key ${p[3]}.`);
      if (c === 'backtest')
        return events(signal, async send => {
          send('progress', { scanned: 400000, total: 1000000 });
          await wait(120);
          send('done', { old: 186, new: 131, both: 122, only_old: 64, only_new: 9, precision_old: 0.71, precision_new: 0.88, samples: [{ which: 'only_old', title: 'User 2239, 4,090.00', path: '/alerts/A-42113' }, { which: 'only_new', title: 'User 611, 812.10', path: null }] });
        });
      if (method === 'PUT' && /on_event\(event key\)/.test(JSON.stringify(body))) return error(400, 'BAD_CONFIG', 'The agent would not run.', "script: code:2: ')' expected near 'key'", 'Correct it; nothing was changed.');
      return method === 'GET' ? (d.agentDetail(b) ? json(d.agentDetail(b)) : missing(`Agent ${b} does not exist.`)) : dry ? json({ effect: 'Version 8 takes over at the next row; its state starts from the present one.' }) : json(d.agentDetail(b));
    case 'alerts': {
      if (!b) {
        const all = none ? [] : lines(), want = q.get('state');
        const from = all.findIndex(x => x.id === q.get('before')) + 1;
        return json({ total: all.length, revision: 1, open: all.filter(x => x.state === 'open').length, last_hour: none ? 0 : 186, items: all.slice(from).filter(x => !want || x.state === want).slice(0, Number(q.get('limit') ?? 100)) });
      }
      if (c === 'state') {
        alertStates.set(b, body.state as T.AlertState);
        return json({ ...d.alertDetail(b), state: body.state });
      }
      if (c === 'evaluate') return json({ same: true, text: 'gives the same 90: inputs and rule are stored with it.' });
      if (c === 'deliver') return json(d.alertDetail(b));
      const full = d.alertDetail(b);
      return full ? json({ ...full, state: alertStates.get(b) ?? full.state }) : missing(`Alert ${b} does not exist.`);
    }
    case 'mutes': {
      if (method === 'POST') demoMutes.push({ id: 'M-1', agent: body.agent as string, key: body.key as string | null, from_ms: Date.now(), until_ms: Date.now() + Number(body.minutes) * 60000, by: 'console', note: null });
      if (method === 'DELETE') demoMutes.length = 0;
      return method === 'GET' ? json({ total: demoMutes.length, items: demoMutes }) : method === 'POST' ? json(demoMutes[0]) : nothing();
    }
    case 'reports':
      if (!b) return page(none ? [] : [d.report], q, x => x.report);
      if (b !== d.report.report) return missing(`Report ${b} does not exist.`);
      return c === 'runs' ? json({ items: d.report.runs }) : dry ? json({ effect: 'It ran in 1.2 ms: avg 22.84 °C.' }) : json(d.report);
    case 'trace':
      return json(none ? { ...d.trace, changes: [] } : d.trace);
    case 'health':
      return json(d.health);
    case 'logs':
      return json({ items: none ? [] : d.logs });
    case 'bundle':
      return json(d.bundle);
    case 'settings':
      if (method === 'PATCH') return json({ changes: Object.entries((body.set ?? {}) as Record<string, string>).map(([name, value]) => ({ name, old: d.settings.find(s => s.name === name)?.value ?? null, new: value, effect: 'applies at once' })) });
      return page(d.settings, q, s => s.name + s.meaning);
    case 'filters':
      return method === 'GET' ? json({ items: none ? [] : d.filters }) : nothing();
    default:
      return missing(`There is nothing at ${path}.`);
  }
}

export const send: typeof fetch = async (input, init) => {
  const url = new URL(String(input), location.origin), signal = init?.signal;
  if (state === 'slow') await wait(1500);
  if (signal?.aborted) throw new DOMException('aborted', 'AbortError');
  const body = typeof init?.body === 'string' && init.body ? (JSON.parse(init.body) as Record<string, unknown>) : {};
  return answer(init?.method ?? 'GET', url.pathname.replace('/api/v1', ''), url.searchParams, body, signal);
};
