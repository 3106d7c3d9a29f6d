/* data.ts: made-up data for the demo build, in the shapes of lib/types.ts. Nothing here was measured. */
import type * as T from '../lib/types';

export const NOW = 1791289867416; /* 2026-10-06 14:31:07 in Berlin */
const MIN = 60_000, H = 3_600_000, D = 24 * H, GIB = 1_073_741_824, MIB = 1_048_576;
export const TX = 'fraud-detection.public.transactions';

export function random(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 4294967296;
  };
}
export function wave(n: number, base: number, noise: number, seed: number, shape?: (x: number) => number): number[] {
  const r = random(seed);
  let v = 0;
  return Array.from({ length: n }, (_, i) => {
    v = v * 0.7 + (r() - 0.5) * noise;
    return Math.max(0, (shape ? shape(i / (n - 1)) : base) + v);
  });
}

export const me: T.Me = { access: 'write', login: 'none', version: '0.9.0', host: 'db-01', started_ms: NOW - 12 * D - 4 * H, now_ms: NOW, read_only_why: null, zone: 'Europe/Berlin' };

export const problems: T.Problem[] = [
  {
    id: 'slot_fills_disk:activityslot',
    code: 'slot_fills_disk',
    severity: 'crit',
    since_ms: NOW - 6 * H - 20 * MIN,
    subject: { kind: 'slot', name: 'activityslot' },
    title: "PostgreSQL's disk is full of WAL in about 1 h 55 min",
    why: ['Slot ', { code: 'activityslot' }, ' holds 38.2 GiB of WAL because ', { link: '/connectors/activity-connector', text: 'activity-connector' }, ' cannot log in: password authentication failed for user ', { code: 'debezium' }, '. 11.6 GiB are left on the disk; they shrink by 6.0 GiB an hour.'],
    todo: 'Give the connector the right password, or drop the slot and take a new snapshot later.',
    lost: 'nothing so far',
    caused_by: null,
    actions: [
      { text: 'Set the password…', open: '/connectors/activity-connector/configuration?focus=database.password' },
      { text: 'Drop the slot…', method: 'DELETE', path: '/slots/activityslot', confirm: 'type', command: 'tailrace connectors drop-slot activityslot' }
    ]
  },
  {
    id: 'group_stuck:customers-service',
    code: 'group_stuck',
    severity: 'warn',
    since_ms: NOW - 252_000,
    subject: { kind: 'group', name: 'customers-service' },
    title: 'customers-service is 4 min 12 s behind and falling further',
    why: ['Only partitions 2 and 3: their member ', { code: 'consumer-2' }, ' on 10.0.4.17 stopped polling. In 48 s it is thrown out of the group and the other members take over.'],
    todo: 'Look at the process on 10.0.4.17; nothing is lost while the topic keeps 7 days.',
    lost: 'nothing so far',
    caused_by: null,
    actions: [{ text: 'Show the group', open: '/groups/customers-service' }]
  }
];

const node = (id: string, name: string, note: string, state: T.State, path: string | null, facts: Record<string, string> = {}): T.PipelineNode => ({ id, name, note, state, path, facts });
const edge = (from: string, to: string, rate_per_s: number | null, lag_ms: number | null, state: T.State = 'ok', text: string | null = null): T.PipelineEdge => ({ from, to, rate_per_s, lag_ms, waiting: lag_ms !== null && lag_ms > 1000 ? 137490 : 0, state, text });

export const overview: T.Overview = {
  verdict: { severity: 'crit', text: 'One problem needs you now, one to watch' },
  durable_lsn: '2A/91F3C0E8',
  lost: 0,
  vitals: { commit_to_agent_p50_ms: 2.4, commit_to_agent_p99_ms: 9.2, rows_per_s: 18413, alerts_per_min: 3.1, cpu_cores: 0.34, memory_bytes: 63963136 },
  problems,
  columns: [
    { title: 'PostgreSQL', note: 'db-01', total: 3, nodes: [node('database:mydb', 'mydb', '2 tables', 'ok', '/connectors/fraud-detection-connector/tables'), node('database:office_db', 'office_db', '1 table', 'ok', '/connectors/office-connector/tables'), node('database:activity', 'activity', '38.2 GiB WAL', 'crit', '/connectors/activity-connector')] },
    { title: 'Capture', note: '3 connectors', total: 3, nodes: [node('connector:fraud-detection-connector', 'fraud-detection-connector', 'streaming', 'ok', '/connectors/fraud-detection-connector'), node('connector:office-connector', 'office-connector', 'streaming', 'ok', '/connectors/office-connector'), node('connector:activity-connector', 'activity-connector', 'retrying, next in 12 s', 'crit', '/connectors/activity-connector')] },
    { title: 'The log', note: '42 topics', total: 1, nodes: [node('log', 'Durable', '1.1 ms ago', 'ok', '/topics', { In: '18,634 /s', Out: '55,021 /s', Stored: '18.6 GiB', Disk: '61.2 GiB free', Producers: '4' })] },
    { title: 'Consumers', total: 12, nodes: [node('agent:fraud-score', 'fraud-score', 'agent · 18.4 k keys', 'ok', '/agents/fraud-score'), node('agent:fraud-pattern', 'fraud-pattern', 'agent · 9.8 k keys', 'ok', '/agents/fraud-pattern'), node('group:customers-service', 'customers-service', 'group · 3 members', 'warn', '/groups/customers-service'), node('group:mirror', 'mirror: kafka-prod', '12 topics', 'ok', '/groups/mirror-kafka-prod')] },
    { title: 'Results', note: 'last hour', total: 3, nodes: [node('alerts', '186 alerts', 'in fraud-alerts', 'ok', '/alerts', { Open: '4', Last: '21 s ago', 'Oldest open': '4 min' }), node('sink:case-tool', 'case-tool webhook', '100 % delivered', 'ok', null), node('report:office', 'office average', '22.84 °C · 14:30', 'ok', '/reports/office')] }
  ],
  edges: [
    edge('database:mydb', 'connector:fraud-detection-connector', 18412, 0.6),
    edge('database:office_db', 'connector:office-connector', 0.0167, 0.7),
    edge('database:activity', 'connector:activity-connector', 0, 22_800_000, 'crit', 'no login'),
    edge('connector:fraud-detection-connector', 'log', 18412, 1.1),
    edge('connector:office-connector', 'log', 0.0167, 1.2),
    edge('connector:activity-connector', 'log', 0, 22_800_000, 'crit', 'nothing'),
    edge('log', 'agent:fraud-score', 18412, 2.4),
    edge('log', 'agent:fraud-pattern', 18412, 2.3),
    edge('log', 'group:customers-service', 1093, 252_000, 'warn'),
    edge('log', 'group:mirror', 17104, 38),
    edge('agent:fraud-score', 'alerts', 0.035, 3.9),
    edge('agent:fraud-pattern', 'alerts', 0.0167, 3.8)
  ],
  slots: [
    { slot: 'fraudslot', connector: 'fraud-detection-connector', ours: true, active: true, state: 'ok', wal_bytes: 2202009, room_bytes: 1.1e9, room_from: 'local_disk', growth_bytes_per_s: 0, full_at_ms: null, wal_status: 'reserved' },
    { slot: 'officeslot', connector: 'office-connector', ours: true, active: true, state: 'ok', wal_bytes: 98304, room_bytes: 1e9, room_from: 'local_disk', growth_bytes_per_s: 0, full_at_ms: null, wal_status: 'reserved' },
    { slot: 'activityslot', connector: 'activity-connector', ours: true, active: false, state: 'crit', wal_bytes: 41017016320, room_bytes: 12455405158, room_from: 'local_disk', growth_bytes_per_s: 1789569, full_at_ms: NOW + 6_900_000, wal_status: 'extended' },
    { slot: 'pg_basebackup_17', connector: null, ours: false, active: true, state: 'info', wal_bytes: 33554432, room_bytes: null, room_from: null, growth_bytes_per_s: null, full_at_ms: null, wal_status: 'reserved' }
  ],
  counts: { topics: 42, groups: 9, connectors: 3, agents: 3, alerts_open: 4, reports: 1 }
};

export const events: T.EventLine[] = [
  { at_ms: NOW - 8_000, severity: 'warn', subject: 'customers-service', text: 'consumer-2 has not polled for 4 min', by: null },
  { at_ms: NOW - 67_416, severity: 'ok', subject: 'office average', text: 'report ran in 4 ms: 22.84 °C from 10 rows', by: null },
  { at_ms: NOW - 216_000, severity: 'info', subject: 'activity.streaming', text: 'retention.ms set', by: 'operator (127.0.0.1)', old: '2592000000', new: '604800000' },
  { at_ms: NOW - 1_205_000, severity: 'ok', subject: 'mirror', text: 'verified 12 topics against kafka-prod: equal', by: null },
  { at_ms: NOW - 1_947_000, severity: 'ok', subject: 'fraud-detection', text: 'incremental snapshot of public.users started', by: null },
  { at_ms: NOW - 5_333_000, severity: 'info', subject: 'groups', text: 'customers-service rebalanced in 212 ms: 3 members', by: null },
  { at_ms: NOW - 22_805_000, severity: 'crit', subject: 'activity-connector', text: 'password authentication failed; retrying', by: null }
];

const series: Record<string, (n: number) => (number | null)[]> = {
  rows_in: n => wave(n, 0, 1500, 3, x => 17800 + Math.sin(x * 7) * 900),
  rows_out: n => wave(n, 0, 1500, 3, x => 17800 + Math.sin(x * 7) * 900).map((v, i) => v * 2.99 + (i > n * 0.92 ? -550 * (i - n * 0.92) : 0)),
  commit_to_agent_p99_ms: n => wave(n, 9, 3, 12),
  commit_to_agent_p50_ms: n => wave(n, 2.4, 0.4, 13),
  'wal_bytes:activityslot': n => Array.from({ length: n }, (_, i) => 41017016320 - (n - 1 - i) * ((3 * H) / (n * 1000)) * 1789569),
  'connector_rows:fraud-detection-connector': n => wave(n, 18300, 1500, 3),
  'connector_commit_to_durable_p99_ms:fraud-detection-connector': n => wave(n, 2.4, 1.2, 31),
  'connector_commit_to_durable_p50_ms:fraud-detection-connector': n => wave(n, 1.1, 0.15, 32),
  'group_lag_worst_ms:customers-service': n => wave(n, 0, 200, 4, x => (x < 0.93 ? 100 : (x - 0.93) * 3_600_000)),
  'group_lag_rest_ms:customers-service': n => wave(n, 10, 8, 5),
  'group_arrives:customers-service': n => wave(n, 1640, 120, 21),
  'group_reads:customers-service': n => wave(n, 0, 120, 22, x => (x < 0.93 ? 1640 : 1093)),
  'agent_rows:fraud-score': n => wave(n, 18300, 1500, 3),
  'report_value:office': n => wave(n, 22.8, 1.6, 44).map((v, i) => (i === Math.floor(n / 3) ? null : v))
};
export function seriesFor(names: string[], from_ms: number, to_ms: number, points: number): T.Series {
  const n = Math.max(2, points);
  return { t0_ms: from_ms, step_ms: (to_ms - from_ms) / (n - 1), series: Object.fromEntries(names.map(name => [name, series[name]?.(n) ?? Array<number | null>(n).fill(name.startsWith('connector_rows') ? 0 : null)])), limits: {} };
}

const topic = (name: string, kind: T.TopicKind, partitions: number, messages: number, gib: number, in_per_s: number, readers: number, kept_ms: number | null, policy: string, last_ms: number): T.TopicItem => ({ name, kind, partitions, messages, bytes: Math.round(gib * GIB), in_per_s, readers, kept_ms, policy, last_ms });
export const topics: T.TopicItem[] = [
  topic(TX, 'table', 4, 128402118, 9.2, 18412, 3, 7 * D, 'delete', NOW - 3),
  topic('fraud-detection.public.users', 'table', 1, 10000, 0.004, 0, 1, null, 'compact', NOW - 33 * MIN),
  topic('office.public.temperature_readings', 'table', 1, 412908, 0.2, 0.02, 1, 365 * D, 'delete', NOW - 7000),
  topic('dbserver1.public.activity', 'table', 1, 118204, 0.05, 0, 1, 7 * D, 'delete', NOW - 6 * H),
  topic('customers.orders', 'plain', 6, 22041877, 4.8, 1640, 2, 7 * D, 'delete', NOW - 2),
  topic('activity.streaming', 'plain', 4, 8204113, 1.9, 212, 1, 7 * D, 'delete', NOW - 5),
  topic('customers.orders.dlq', 'plain', 1, 37, 0.0001, 0, 0, 30 * D, 'delete', NOW - 3 * H),
  topic('fraud-alerts', 'alerts', 1, 42118, 0.06, 0.05, 2, 90 * D, 'delete', NOW - 21000),
  topic('connect-configs', 'internal', 1, 14, 0.00001, 0, 0, null, 'compact', NOW - 2 * D),
  topic('connect-offsets', 'internal', 25, 1204, 0.0002, 0.5, 0, null, 'compact', NOW - 1000),
  topic('connect-statuses', 'internal', 5, 311, 0.0001, 0.1, 0, null, 'compact', NOW - 12000),
  topic('__consumer_offsets', 'internal', 50, 902117, 0.09, 41, 0, null, 'compact', NOW - 2)
];

export function topicDetail(name: string): T.Topic | null {
  const item = topics.find(t => t.name === name);
  if (!item) return null;
  const table = item.kind === 'table' ? name.split('.').slice(1).join('.') : null;
  const share = [0.25, 0.26, 0.24, 0.25, 0.25, 0.25];
  return {
    topic: { ...item, table, connector: table ? 'fraud-detection-connector' : null, schema_version: table ? 3 : null },
    partitions: Array.from({ length: item.partitions }, (_, p) => {
      const messages = Math.round((item.messages ?? 0) / item.partitions) - p * 211;
      return { partition: p, first: 0, end: name === TX ? 32100612 - p * 7 : messages, messages, bytes: Math.round(((item.bytes ?? 0) * (share[p] ?? 0.25) * 4) / item.partitions), in_per_s: (item.in_per_s ?? 0) / item.partitions + p * 4, segments: 3, last_ms: item.last_ms, state: 'ok', word: 'durable' };
    }),
    config: [
      { name: 'retention.ms', value: item.kept_ms === null ? '-1' : String(item.kept_ms), default: '604800000', source: item.kept_ms === 7 * D ? 'default' : 'topic', meaning: 'Messages older than this are deleted', unit: 'ms' },
      { name: 'retention.bytes', value: '-1', default: '-1', source: 'default', meaning: 'A partition larger than this loses its oldest segments', unit: 'bytes' },
      { name: 'cleanup.policy', value: item.policy, default: 'delete', source: item.policy === 'delete' ? 'default' : 'topic', meaning: 'delete, compact, or both' },
      { name: 'compression.type', value: 'producer', default: 'producer', source: 'default', meaning: 'Keep what the producer sent' },
      { name: 'max.message.bytes', value: '1048588', default: '1048588', source: 'default', meaning: 'Largest batch that is accepted', unit: 'bytes' },
      { name: 'segment.bytes', value: '1073741824', default: '1073741824', source: 'setting', meaning: 'Size at which a partition starts a new segment file', unit: 'bytes' }
    ]
  };
}

export const schema: { versions: T.SchemaVersion[] } = {
  versions: [
    { version: 3, from_lsn: '2A/1180F2C0', at_ms: NOW - 2 * D, replica_identity: 'default', columns: [{ name: 'id', type: 'int4', key: true }, { name: 'user_id', type: 'int4', key: false }, { name: 'amount', type: 'numeric(10,2)', key: false }, { name: 'merchant', type: 'text', key: false, change: 'changed' }, { name: 'ts', type: 'timestamp(6)', key: false }] },
    { version: 2, from_lsn: '1F/00A1B2C8', at_ms: NOW - 9 * D, replica_identity: 'default', columns: [{ name: 'id', type: 'int4', key: true }, { name: 'user_id', type: 'int4', key: false }, { name: 'amount', type: 'numeric(10,2)', key: false, change: 'added' }, { name: 'merchant', type: 'varchar(64)', key: false }, { name: 'ts', type: 'timestamp(6)', key: false }] }
  ]
};

const MERCHANTS = ['Nordlicht Foto', 'Kiosk am Ring', 'Bergwerk Sport', 'Hafen Elektronik', 'Café Linde', 'Atlas Reisen', 'Papier & Co', 'Juwelier Stern'];
const TYPES: Record<string, string> = { id: 'int4', user_id: 'int4', amount: 'numeric(10,2)', merchant: 'text', ts: 'timestamp(6)' };

function base64Decimal(v: string): string {
  let n = Math.round(parseFloat(v) * 100);
  const out: number[] = [];
  do {
    out.unshift(n & 255);
    n >>= 8;
  } while (n > 0);
  if (out[0]! > 127) out.unshift(0);
  return btoa(String.fromCharCode(...out));
}
type Cells = Record<string, string>;
function envelope(op: string, before: Cells | null, after: Cells | null, at_ms: number, lsn: string, xid: string): string {
  const row = (r: Cells | null) => (r ? `{"id":${r.id},"user_id":${r.user_id},"amount":"${base64Decimal(r.amount!)}","merchant":${JSON.stringify(r.merchant)},"ts":${at_ms}${r.ts!.slice(-3)}}` : 'null');
  return `{"payload":{"before":${row(before)},"after":${row(after)},"source":{"version":"3.6.1.Final","connector":"postgresql","name":"fraud-detection","ts_ms":${at_ms},"snapshot":"false","db":"mydb","sequence":"[\\"182641918184\\",\\"182641918440\\"]","schema":"public","table":"transactions","txId":${xid},"lsn":${BigInt('0x' + lsn.replace('/', '').padStart(10, '0'))},"xmin":null},"transaction":null,"op":"${op}","ts_ms":${at_ms + 1}}}`;
}

export const messages: T.Message[] = (() => {
  const r = random(77), out: T.Message[] = [], ends = [32100598, 32100571, 32100611, 32100604];
  let id = 128402117, at_ms = NOW - 3;
  for (let i = 0; i < 40; i++) {
    const op = i === 3 || i === 14 || i === 22 ? 'u' : i === 9 || i === 27 ? 'd' : 'c', partition = i === 0 ? 2 : i === 3 ? 1 : Math.floor(r() * 4);
    const amount = i === 0 ? '4178.74' : i === 3 ? '3927.52' : op === 'c' ? (3000 + r() * 1990).toFixed(2) : (r() * 600 + 4).toFixed(2);
    const merchant = i === 0 ? 'Juwelier Stern' : i === 5 ? '<script>alert(1)</script>' : MERCHANTS[Math.floor(r() * 8)]!;
    const d = new Date(at_ms + 2 * H), micros = String(Math.floor(r() * 900) + 100);
    const after: Cells = { id: String(id), user_id: i === 0 ? '7690' : i === 7 ? '9223372036854775807' : String(Math.floor(r() * 9999) + 1), amount, merchant, ts: d.toISOString().slice(0, 23).replace('T', ' ') + micros };
    const before: Cells | null = op === 'u' ? (i === 3 ? { ...after, amount: '120.50' } : { ...after, merchant: 'Cafe Linde' }) : op === 'd' ? { ...after } : null;
    if (op === 'u' && i !== 3) after.merchant = 'Café Linde';
    const shown = op === 'd' ? null : after, lsnNumber = 0x2a91f3c0e8 - i * 5912344, xid = String(91204417 - i * 731);
    const lsn = '2A/' + (lsnNumber % 2 ** 32).toString(16).toUpperCase();
    const text = envelope(op, before, shown, at_ms, lsn, xid);
    out.push({
      topic: TX,
      partition,
      offset: ends[partition]!,
      at_ms,
      at_kind: 'create',
      key: { text: `{"schema":{},"payload":{"id":${id}}}`, bytes: 16, cut: 0 },
      value: { text, bytes: text.length + 2214, cut: 0, schema_folded: 2214 },
      headers: i === 3 ? [{ name: '__debezium.context.connectorLogicalName', value: 'fraud-detection' }, { name: 'traceparent', value: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }] : [],
      batch: { base_offset: ends[partition]! - 31, count: 41, codec: 'gzip', bytes: 3994, producer_id: null },
      row: {
        op,
        table: 'public.transactions',
        lsn,
        xid,
        commit_us: at_ms * 1000 + +micros,
        snapshot: false,
        before_missing: null,
        columns: Object.keys(TYPES).map(name => ({ name, type: TYPES[name]!, key: name === 'id', before: before?.[name] ?? null, after: shown?.[name] ?? null, changed: op === 'u' && before?.[name] !== after[name], unavailable: false }))
      }
    });
    const skip = Math.floor(20000 + r() * 20000);
    id -= skip;
    at_ms -= Math.floor(skip / 18.4);
    ends[partition]! -= skip;
  }
  return out;
})();

export const big: T.Message = {
  topic: 'activity.streaming',
  partition: 0,
  offset: 2051028,
  at_ms: NOW - 5000,
  at_kind: 'create',
  key: { text: 'report', bytes: 6, cut: 0 },
  value: { text: '{"schema":{"…":"folded"},"payload":{"before":null,"after":{"id":9223372036854775807,"name":"report.pdf","body":"' + 'JVBERi0xLjcK'.repeat(32), bytes: MIB, cut: MIB - 512 },
  headers: [],
  row: null
};
export const plain: T.Message[] = Array.from({ length: 30 }, (_, i): T.Message => {
  const at_ms = NOW - 1200 - i * 5300, key = i === 4 ? null : { text: 'user-' + (4100 + i * 7), bytes: 9, cut: 0 };
  const text = i === 6 ? 'a right-to-left \u202eoverride and a bell \u0007' : i === 8 ? null : `{"user":${9007199254740993n + BigInt(i)},"page":"/shop/${i}","ms":${120 + i * 3}}`;
  return { topic: 'activity.streaming', partition: i % 4, offset: 2051028 - i, at_ms, at_kind: 'create', key, value: text === null ? null : { text, bytes: text.length, cut: 0 }, headers: [], row: null, batch: { base_offset: 2051000, count: 30, codec: 'lz4', bytes: 2100, producer_id: '4001' } };
});

const lagHour = (seed: number, base: number, shape?: (x: number) => number) => wave(24, base, base * 0.4 + 5, seed, shape);
const group = (name: string, state: T.State, word: string, members_count: number, topicNames: string[], waiting: number, lag_ms: number, catches_up_ms: number | null, catches_up_why: string | null, last_hour: number[]): T.GroupItem => ({ group: name, kafka_state: members_count ? 'Stable' : 'Empty', state, word, members_count, topics: topicNames, waiting, lag_ms, catches_up_ms, catches_up_why, last_hour, empty_since_ms: members_count ? null : NOW - 17 * H });
export const groups: T.GroupItem[] = [
  group('customers-service', 'warn', 'Falling behind', 3, ['customers.orders'], 137490, 252000, null, 'reads less than arrives', lagHour(5, 0, x => (x < 0.8 ? 40 : (x - 0.8) * 50000))),
  group('fraud-score', 'ok', 'At the end', 1, [TX], 44, 2.4, 0, null, lagHour(6, 40)),
  group('fraud-pattern', 'ok', 'At the end', 1, [TX], 42, 2.3, 0, null, lagHour(7, 40)),
  group('mirror-kafka-prod', 'ok', 'At the end', 1, [TX, 'customers.orders', 'activity.streaming', '…'], 702, 38, 0, null, lagHour(8, 600)),
  group('warehouse-nightly', 'idle', 'No members', 0, [TX], 31404118, 66720000, null, 'no members', lagHour(9, 0, x => x * 9000)),
  group('agent-2-test', 'idle', 'No members', 0, [TX], 128402118, 432000000, null, 'no members', lagHour(10, 900))
];
const gp = (partition: number, committed: number, end: number, lag_ms: number, member: string): T.GroupPartition => ({ topic: 'customers.orders', partition, committed, end, waiting: end - committed, lag_ms, member, state: lag_ms > 1000 ? 'warn' : 'ok', word: lag_ms > 1000 ? (partition === 2 ? 'stuck here' : 'waits for it') : 'at the end' });
export function groupDetail(name: string): T.Group | null {
  const item = groups.find(g => g.group === name);
  if (!item) return null;
  const stuck = name === 'customers-service';
  const partitions = stuck
    ? [gp(0, 3673980, 3673980, 0, 'consumer-1'), gp(1, 3673114, 3673118, 11, 'consumer-1'), gp(2, 3605099, 3674013, 252000, 'consumer-2'), gp(3, 3604305, 3672871, 251000, 'consumer-2'), gp(4, 3674402, 3674402, 0, 'consumer-3'), gp(5, 3673871, 3673876, 10, 'consumer-3')]
    : [0, 1, 2, 3].map(p => ({ ...gp(p, 32100600 - (item.members_count ? 0 : 7800000), 32100611, item.lag_ms ?? 0, item.members_count ? name + '-1' : ''), topic: TX, member: item.members_count ? name + '-1' : null, state: item.members_count ? ('ok' as const) : ('idle' as const), word: item.members_count ? 'at the end' : 'nobody reads' }));
  const member = (n: number, host: string, silent: boolean): T.GroupMember => ({ member: `consumer-${n}-7f3c`, client_id: `consumer-${n}`, host, software: 'librdkafka 2.3.0', last_poll_ms: silent ? NOW - 252000 : NOW - 90, last_heartbeat_ms: NOW - 1400, partitions: { 'customers.orders': [2 * n - 2, 2 * n - 1] } });
  return {
    ...item,
    generation: stuck ? 14 : 3,
    assignor: 'range',
    reads_per_s: stuck ? 1093 : item.members_count ? 18412 : 0,
    arrives_per_s: stuck ? 1640 : 18412,
    last_commit_ms: item.members_count ? NOW - 1000 : NOW - 17 * H,
    oldest_unread_ms: NOW - (item.lag_ms ?? 0),
    why: stuck
      ? {
          code: 'member_not_polling',
          title: 'Partitions 2 and 3 are stuck; the others are at the end',
          why: ['Member ', { code: 'consumer-2' }, ' on 10.0.4.17 (librdkafka 2.3.0) still sends heartbeats but has not polled since 14:26:55. Its process is alive and busy with one message: offset ', { link: '/topics/customers.orders?p=2&o=3605099', text: '3,605,099' }, ' of partition 2.'],
          todo: 'look at that message and at the log of the process on 10.0.4.17. At 14:31:55 the member passes max.poll.interval.ms (5 min), and its partitions move to the others, who will read the same message.',
          actions: [{ text: 'Show message 3,605,099', open: '/topics/customers.orders?p=2&o=3605099' }]
        }
      : item.members_count === 0
        ? { code: 'no_members', title: 'Nobody reads for this group', why: ['Its last member left 17 h ago. ', { code: '31,404,118' }, ' messages wait.'], todo: 'Start the consumer, or delete the group if it is no longer needed.', actions: [] }
        : null,
    partitions,
    members: stuck ? [member(1, '10.0.4.16', false), member(2, '10.0.4.17', true), member(3, '10.0.4.18', false)] : [],
    rebalances: stuck ? [{ at_ms: NOW - 5_333_000, cause: 'consumer-3 joined', took_ms: 212, members: 3 }, { at_ms: NOW - 2 * D, cause: 'consumer-2 left: its process ended', took_ms: 340, members: 2 }] : []
  };
}

const connector = (c: Partial<T.Connector> & { name: string }): T.Connector => ({ state: 'ok', word: 'Running', since_ms: NOW - 12 * D - 4 * H, by: null, database: 'mydb', server: 'db-01:5432', server_version: '16.4', slot: 'fraudslot', publication: 'dbz_publication', tables: 2, rows_per_s: 18412, lag_ms: 1.1, commit_to_durable_ms: { p50: 1.1, p99: 2.6 }, positions: { server: '2A/91F3C8B0', received: '2A/91F3C7E0', appended: '2A/91F3C4A8', durable: '2A/91F3C0E8', confirmed: '2A/91F2B110' }, ages_ms: { received: 0.6, appended: 0.7, durable: 1.1, confirmed: 400 }, wal_bytes: 2202009, error: null, retry: { tries: 0, next_ms: null, passes_by_itself: null }, warnings: [], snapshot: null, ...c });
export const connectors: T.Connector[] = [
  connector({ name: 'fraud-detection-connector', warnings: [{ property: 'database.replication.slot.name', text: 'is not a property; slot.name is used' }], snapshot: { id: 's-3', kind: 'incremental', state: 'running', started_ms: NOW - 1_947_000, tables: [{ table: 'public.users', rows: 64000, rows_about: 100000, rows_per_s: 412, left_ms: 87000 }], load: 0.04, load_max: 0.05 } }),
  connector({ name: 'office-connector', database: 'office_db', slot: 'officeslot', tables: 1, rows_per_s: 0.0167, lag_ms: 1.2, wal_bytes: 98304 }),
  connector({
    name: 'activity-connector',
    state: 'crit',
    word: 'Retrying',
    since_ms: NOW - 6 * H - 20 * MIN,
    database: 'activity',
    slot: 'activityslot',
    tables: 1,
    rows_per_s: 0,
    lag_ms: 6 * H + 20 * MIN,
    commit_to_durable_ms: null,
    positions: { server: '2A/91F3C8B0', received: '21/0526FBE4', appended: '21/0526FBE4', durable: '21/0526FBE4', confirmed: '21/0526FBE4' },
    ages_ms: { received: 6 * H + 20 * MIN, appended: null, durable: null, confirmed: null },
    wal_bytes: 41017016320,
    error: { title: 'Cannot log in to PostgreSQL', why: ['db-01:5432 refused user ', { code: 'debezium' }, '. The password was right until 08:11; it was probably changed in PostgreSQL then.'], quote: 'password authentication failed for user "debezium"', code: '28P01', todo: 'give the connector the new password.', lost: 'Nothing is lost so far: slot activityslot still has every change since 08:11, 38.2 GiB, about 4 min to read.' },
    retry: { tries: 760, next_ms: NOW + 12000, passes_by_itself: false }
  })
];
export const connectorTables: T.ConnectorTable[] = [
  { table: 'public.transactions', topic: TX, captured: true, why_not: null, rows_per_s: 18412, key: ['id'], replica_identity: 'default', schema_version: 3, last_ms: NOW - 3, snapshot: { state: 'done', rows: 4000000, rows_about: 4000000 } },
  { table: 'public.users', topic: 'fraud-detection.public.users', captured: true, why_not: null, rows_per_s: 0, key: ['id'], replica_identity: 'full', schema_version: 1, last_ms: NOW - 33 * MIN, snapshot: { state: 'running', rows: 64000, rows_about: 100000 } },
  { table: 'public.audit', topic: null, captured: false, why_not: 'not in table.include.list', rows_per_s: null, key: ['id'], replica_identity: 'default', schema_version: null, last_ms: null, snapshot: null }
];
export const connectorConfig: Record<string, string> = {
  'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
  'tasks.max': '1',
  'database.hostname': 'postgres',
  'database.port': '5432',
  'database.user': 'postgres',
  'database.password': '********',
  'database.dbname': 'mydb',
  'topic.prefix': 'fraud-detection',
  'table.include.list': 'public.transactions,public.users',
  'plugin.name': 'pgoutput',
  'slot.name': 'fraudslot',
  'database.replication.slot.name': 'debeziumfraud'
};
const line = (s: number, level: T.LogLine['level'], part: string, text: string): T.LogLine => ({ at_ms: NOW - s * 1000, level, part, text, id: 100000 - s });
export const logs: T.LogLine[] = [
  line(12, 'warning', 'capture', 'activity-connector cannot log in at db-01:5432: password authentication failed for user "debezium"; try 760, next in 24 s'),
  line(67, 'info', 'reports', 'office average ran in 4 ms rows=10'),
  line(252, 'warning', 'broker', 'group customers-service: member consumer-2-7f3c has not polled for 30 s'),
  line(1947, 'info', 'capture', 'fraud-detection-connector started incremental snapshot s-3 tables=public.users'),
  line(5333, 'info', 'broker', 'group customers-service rebalanced generation=14 members=3 took=212ms'),
  line(9000, 'info', 'store', 'rolled fraud-detection.public.transactions-2 at offset 32088000')
];

export const preflight: T.Preflight = {
  verdict: 'ok',
  text: 'It will work.',
  errors: 0,
  warnings: 2,
  took_ms: 38,
  checks: [
    { code: 'unknown_property', state: 'warn', title: 'database.replication.slot.name is not a property', found: 'It is ignored, as in Debezium. The slot is called activityslot, from slot.name.', why: 'It has no effect, so the connector does not do what the line says.', todo: null, property: 'database.replication.slot.name', patch: { text: 'Remove the line', unset: ['database.replication.slot.name'] }, sql: null, command: null },
    { code: 'wal_limit', state: 'warn', title: "A stopped connector could fill PostgreSQL's disk", found: 'max_slot_wal_keep_size is unlimited.', why: 'With a limit PostgreSQL gives the slot up before its disk is full.', todo: null, property: null, patch: null, sql: "ALTER SYSTEM SET max_slot_wal_keep_size = '20GB';\nSELECT pg_reload_conf();", command: null },
    ...(
      [
        ['connect', 'Connected', 'postgres is 127.0.0.1 here; PostgreSQL 16.4; 2.1 ms'],
        ['login', 'Logged in', 'postgres may replicate'],
        ['wal_level', 'wal_level', 'logical'],
        ['slots_free', 'Slots and senders', '8 of 10 slots and 8 of 10 senders free'],
        ['slot_name', 'Slot', 'activityslot is not taken'],
        ['publication', 'Publication', 'may be created; none in the way'],
        ['replica_identity', 'Replica identity', '1 table with a key; updates carry no old row'],
        ['types', 'Types', 'all 3 columns have an exact form'],
        ['topics', 'Topics', 'prefix dbserver1 is not taken'],
        ['disk_here', 'Room', 'snapshot needs about 2 MiB of 61 GiB']
      ] as const
    ).map(([code, title, found]): T.PreflightCheck => ({ code, state: 'ok', title, found, why: null, todo: null, property: null, patch: null, sql: null, command: null }))
  ],
  makes: [
    { kind: 'slot', name: 'activityslot', note: 'pgoutput, from the end of the WAL' },
    { kind: 'publication', name: 'dbz_publication', note: 'for all tables, because no list is set' },
    { kind: 'topic', name: 'dbserver1.public.activity', note: '1 partition, kept 7 d' },
    { kind: 'snapshot', name: 'public.activity', note: 'about 12,000 rows, about 0.2 s' }
  ],
  tables: [{ table: 'public.activity', rows_about: 12000, bytes: MIB, key: ['id'], replica_identity: 'default', captured: true, why_not: null }]
};

const hop = (step: string, note: string | null, start_us: number, took_us: number | null, stage: T.Hop['stage'], later = false): T.Hop => ({ step, note, start_us, took_us, stage, known: 'batch', later });
export const hops: T.Hop[] = [
  hop('Committed in PostgreSQL', 'xid 91204417', 0, 0, 'pg'),
  hop('Received by capture', 'LSN 2A/91F3C0E8', 0, 610, 'capture'),
  hop('Encoded', 'schema v3', 610, 4, 'capture'),
  hop('Appended', 'partition 2, offset 32,100,611', 614, 92, 'log'),
  hop('Durable', '41 rows in one sync', 706, 394, 'log'),
  hop('Read by fraud-score', null, 1100, 1300, 'agent'),
  hop('Evaluated', 'rule v7: 90 points', 2400, 3, 'agent'),
  hop('Alert durable', 'fraud-alerts, offset 42,118', 2403, 1497, 'log'),
  hop('Webhook case-tool', '200, first try', 3900, 31000, 'out', true)
];

const alert = (n: number, s: number, agent: string, who: string, number: string, note: string, state: T.AlertState, severity: T.Severity): T.AlertLine => ({ id: 'A-' + n, agent, severity, state, at_us: (NOW - s * 1000) * 1000, subject: 'User ' + who, title: `User ${who} ${note.startsWith('score') ? 'scored ' + note.slice(6) + ', the limit is 70' : 'spent ' + note}`, number, note, key: who });
export const alerts: T.AlertLine[] = [
  alert(42118, 21, 'fraud-score', '7690', '4178.74', 'score 90', 'open', 'crit'),
  alert(42117, 75, 'fraud-pattern', '9157', '3927.52', '8.4 × mean', 'open', 'warn'),
  alert(42116, 146, 'fraud-score', '1204', '4802.10', 'score 90', 'open', 'crit'),
  alert(42115, 244, 'fraud-pattern', '5354', '1650.00', '5.1 × mean', 'open', 'warn'),
  alert(42114, 250, 'fraud-score', '8021', '4377.19', 'score 90', 'acknowledged', 'crit'),
  alert(42113, 364, 'fraud-score', '2239', '4090.00', 'score 90', 'false_positive', 'crit'),
  alert(42112, 381, 'fraud-pattern', '3280', '2204.80', '4.7 × mean', 'resolved', 'warn'),
  alert(42111, 529, 'fraud-score', '4826', '4911.35', 'score 90', 'resolved', 'crit'),
  alert(42110, 634, 'fraud-pattern', '1363', '980.15', '3.3 × mean', 'resolved', 'warn')
];
export function alertDetail(id: string): T.Alert | null {
  const item = alerts.find(a => a.id === id);
  if (!item) return null;
  const at = item.at_us, inputs = [[-58.2, '41.20', 32088104], [-44.0, '12.99', 32091770], [-37.5, '230.00', 32093411], [-21.8, '18.40', 32096902], [-12.1, '640.00', 32098655], [-4.3, '88.15', 32100020], [0, item.number!, 32100611]] as const;
  return {
    ...item,
    rule_version: 7,
    total: { was: '90', limit: '> 70' },
    conditions: [
      { text: 'Transactions in 60 s', was: '7', limit: '> 5', points: 40, held: true },
      { text: 'Amount', was: item.number, limit: '> 4000', points: 50, held: true },
      { text: 'Hour of the day', was: '14', limit: 'before 6', points: 0, held: false }
    ],
    window: { from_us: at - 60_000_000, to_us: at, by: 'event time', limit: 4000, limit_text: 'amount limit 4,000', inputs: inputs.map(([s, number, offset]) => ({ topic: TX, partition: 2, offset, at_us: at + s * 1e6, number })) },
    hops,
    topic: TX,
    partition: 2,
    offset: 32100611,
    commit_to_alert_us: 3900,
    row: messages[0]!.row!,
    deliveries: [
      { sink: 'case-tool', kind: 'webhook', state: 'ok', answer: '200', tries: 1, took_us: 31000, next_ms: null },
      { sink: 'public.fraud_alerts', kind: 'table', state: 'ok', answer: null, tries: 1, took_us: 2000, next_ms: null },
      { sink: 'fraud-alerts', kind: 'topic', state: 'ok', answer: 'offset 42,118', tries: 1, took_us: null, next_ms: null }
    ],
    history: [{ at_ms: Math.round(at / 1000), state: 'open', by: item.agent, note: null }, ...(item.state === 'open' ? [] : [{ at_ms: Math.round(at / 1000) + 40_000, state: item.state, by: 'operator', note: null }])]
  };
}

const agent = (name: string, rule_version: number, dry_run: boolean, rule: string, lag_ms: number, keys: number, state_bytes: number, alerts_per_min: number): T.AgentItem => ({ agent: name, state: 'ok', word: dry_run ? 'Dry run' : 'Running', since_ms: NOW - 12 * D, rule, rule_version, dry_run, source: TX, rows_per_s: 18412, lag_ms, keys, state_bytes, alerts_per_min });
export const agents: T.AgentItem[] = [
  agent('fraud-score', 7, false, 'velocity over 5 in 60 s: 40; amount over 4,000: 50; alert over 70', 2.4, 18402, 2936013, 2.1),
  agent('fraud-pattern', 2, false, 'amount over 3 × the mean of the last 50, and over 500', 2.3, 9811, 4194304, 1.0),
  agent('fraud-score-next', 8, true, 'as v7, but night hours count double', 2.4, 18402, 2936013, 1.4)
];
export function agentDetail(name: string): T.Agent | null {
  const item = agents.find(a => a.agent === name);
  if (!item) return null;
  return {
    ...item,
    config: { rule: 'velocity-score-event', topic: TX, key: 'user_id', 'rule.amount.limit': '4000', 'state.keys.max': '200000' },
    row_us: { p50: 0.4, p99: 2.1 },
    scores: { limit: 70, buckets: [0, 10, 20, 30, 40, 50, 60, 70, 80, 90].map((from, i) => ({ from, to: from + 10, count: [182000, 0, 0, 0, 21100, 4300, 0, 0, 0, 186][i]! })) },
    biggest_keys: [{ key: '7690', bytes: 512, items: 7 }, { key: '1204', bytes: 448, items: 6 }, { key: '3280', bytes: 384, items: 5 }],
    state_limit_bytes: 64 * MIB,
    evictions: 0,
    error: null,
    versions: [
      { version: 7, at_ms: NOW - 12 * D, by: 'operator', changes: [{ name: 'amount.limit', old: '3500', new: '4000' }] },
      { version: 6, at_ms: NOW - 30 * D, by: 'operator', changes: [{ name: 'velocity.max', old: '4', new: '5' }] }
    ]
  };
}

const ruleSetting = (name: string, preset: string | null, help: string): T.RuleSetting => ({ name, default: preset, help });
export const rules: T.Rules = {
  items: [
    {
      rule: 'velocity-score-event',
      summary: 'Points for many transactions in a minute and for large amounts, by commit time',
      settings: [ruleSetting('rule.window.seconds', '60', 'length of the window'), ruleSetting('rule.count.limit', '5', 'transactions in the window that are still usual'), ruleSetting('rule.amount.limit', '4000', 'amount that is still usual'), ruleSetting('topic', null, 'Topic of change events that it reads'), ruleSetting('fold.ms', '0', 'Alerts of one key so soon after another are counted, not sent')]
    },
    { rule: 'lua', summary: 'Your own: a Lua script with function on_event(event, key)', settings: [ruleSetting('rule.code', null, 'the script itself, instead of a file'), ruleSetting('topic', null, 'Topic of change events that it reads')] }
  ],
  report: [ruleSetting('table', null, 'Table whose rows are looked at, or schema.table'), ruleSetting('sql', null, 'Instead of a table: a SELECT of one row'), ruleSetting('window', '10m', 'How far it looks back')]
};

export const report: T.Report = {
  report: 'office',
  state: 'ok',
  word: 'On time',
  value: '22.84',
  unit: '°C',
  at_ms: NOW - 67_416,
  next_ms: NOW + 532_584,
  every_ms: 600_000,
  database: 'office_db',
  config: { table: 'temperature_readings', column: 'temperature', window: '10m', unit: '°C' },
  paused: false,
  error: null,
  query: "SELECT avg(temperature)\nFROM temperature_readings\nWHERE recorded_at >= now() - interval '10 minutes';",
  runs: [
    { at_ms: NOW - 67_416, value: '22.84', rows: 10, took_ms: 4, error: null },
    { at_ms: NOW - 667_416, value: '23.11', rows: 10, took_ms: 4, error: null },
    { at_ms: NOW - 1_267_416, value: '22.02', rows: 10, took_ms: 5, error: null },
    { at_ms: NOW - 1_867_416, value: null, rows: 0, took_ms: 3, error: null },
    { at_ms: NOW - 2_467_416, value: null, rows: null, took_ms: 5000, error: 'canceling statement due to statement timeout (57014)' }
  ]
};

const BATCH = 'Appended, durable and published are the times of the batch that the row was in.';
export const trace: T.Trace = {
  known: 'batch',
  more: false,
  looked: { records: 4100, back_to_ms: NOW - 604800000, complete: true },
  waits: [],
  note: null,
  changes: [
    { op: 'c', lsn: '2A/91F3C0E8', commit_us: (NOW - 4) * 1000 + 906, xid: '91204417', topic: TX, partition: 2, offset: 32100611, to_alert_us: 3900, traceparent: null, alerts: [{ id: 'A-42118', title: 'User 7690 scored 90, the limit is 70' }], known_why: BATCH, waits: [{ who: 'warehouse-nightly', step: 'read', state: 'warn', why: 'Group warehouse-nightly has no members: no process reads for it now.', todo: 'Start its consumer, or delete the group when it is not needed any more.' }], hops, readers: [{ reader: 'fraud-pattern', kind: 'agent', state: 'ok', word: 'profile updated, no alert', after_us: 2300 }, { reader: 'mirror: kafka-prod', kind: 'group', state: 'ok', word: 'acknowledged, offset 8,100,224', after_us: 38000 }, { reader: 'warehouse-nightly', kind: 'group', state: 'idle', word: 'not yet: no members since 17 h', after_us: null }] },
    { op: 'u', lsn: '2A/91F80010', commit_us: (NOW + 1604) * 1000, xid: '91204977', topic: TX, partition: 2, offset: 32100799, to_alert_us: null, traceparent: null, alerts: [], known_why: BATCH, waits: [], hops: hops.slice(0, 6), readers: [] }
  ]
};

export const health: T.Health = {
  checks: [
    { name: 'broker', state: 'ok', text: 'serves 9092 and 9094; 14 clients', todo: null },
    { name: 'store', state: 'ok', text: 'last sync took 0.4 ms; 42 topics', todo: null },
    { name: 'capture', state: 'crit', text: 'activity-connector cannot log in', todo: 'Give the connector the right password.' },
    { name: 'agents', state: 'ok', text: '3 agents, the slowest is 2.4 ms behind', todo: null },
    { name: 'disk', state: 'ok', text: '61.2 GiB free, about 34 d at the present rate', todo: null }
  ],
  listeners: [
    { name: 'Kafka', address: '127.0.0.1:9092', clients: 11, note: null },
    { name: 'Kafka', address: '127.0.0.1:9094', clients: 3, note: null },
    { name: 'Connect', address: '127.0.0.1:8083', clients: 0, note: null },
    { name: 'Console', address: '127.0.0.1:8080', clients: 2, note: '2 streams, no search' }
  ],
  threads: [
    { name: 'network', cpu_cores: 0.11, mailbox: 0, mailbox_max: 4096 },
    { name: 'committer', cpu_cores: 0.08, mailbox: 3, mailbox_max: 1024 },
    { name: 'capture:fraud-detection-connector', cpu_cores: 0.12, mailbox: 1, mailbox_max: 64 },
    { name: 'agent:fraud-score', cpu_cores: 0.02, mailbox: 0, mailbox_max: 64 },
    { name: 'reports', cpu_cores: 0, mailbox: 0, mailbox_max: 16 }
  ],
  disk: { path: '/var/lib/tailrace', total_bytes: 100 * GIB, free_bytes: Math.round(61.2 * GIB), used_bytes: Math.round(18.6 * GIB), topics: topics.slice(0, 6).map(t => ({ topic: t.name, bytes: t.bytes! })) },
  memory: { total_bytes: 63963136, parts: [{ part: 'batches being read', bytes: 21 * MIB }, { part: 'agents’ state', bytes: 9.6 * MIB }, { part: 'capture', bytes: 8 * MIB }, { part: 'indexes', bytes: 6 * MIB }, { part: 'connections', bytes: 3 * MIB }] }
};
export const bundle: T.BundleList = { files: [{ name: 'status.json', bytes: 21044, removed: null }, { name: 'settings.properties', bytes: 2210, removed: '2 tokens' }, { name: 'connectors.json', bytes: 3122, removed: '3 passwords' }, { name: 'log.txt', bytes: 880211, removed: null }, { name: 'metrics.txt', bytes: 41220, removed: null }] };

const setting = (name: string, value: string, standard: string, meaning: string, applies: T.Setting['applies'] = 'restart', unit: string | null = null): T.Setting => ({ name, value, default: standard, source: value === standard ? 'default' : 'file', meaning, applies, unit });
export const settings: T.Setting[] = [
  setting('listeners', '127.0.0.1:9092,127.0.0.1:9094', '127.0.0.1:9092,127.0.0.1:9094', 'Addresses on which the broker speaks the Kafka protocol'),
  setting('console.listeners', '127.0.0.1:8080', '127.0.0.1:8080', 'Address of the console, metrics and health'),
  setting('console.access', 'write', 'write', 'What browsers may do without a token: write or read', 'now'),
  setting('console.mask', 'public.users.email', '', 'Columns that are hidden in rows, values, search and export', 'now'),
  setting('log.retention.ms', '604800000', '604800000', 'How long topics keep messages unless they say otherwise', 'now', 'ms'),
  setting('log.segment.bytes', '1073741824', '1073741824', 'Size at which a partition starts a new segment file', 'restart', 'bytes'),
  setting('num.partitions', '4', '1', 'Partitions of a topic that is created without a number', 'now'),
  setting('auto.create.topics.enable', 'true', 'true', 'Create a topic when a client asks for one that does not exist', 'now'),
  setting('trace.retention.bytes', '268435456', '268435456', 'Size of the ring that keeps the steps of rows', 'now', 'bytes'),
  setting('log.level', 'info', 'info', 'Least level of the lines that are logged', 'now'),
  { name: 'console.token', value: '********', default: null, source: 'file', meaning: 'Token that gives access write', applies: 'restart', secret: true }
];
export const filters: T.Filter[] = [
  { id: 'f-1', topic: TX, name: 'Large or changed', filter: 'amount > 3000 or op != insert' },
  { id: 'f-2', topic: 'customers.orders', name: 'Returns', filter: "value.kind = 'return'" }
];
