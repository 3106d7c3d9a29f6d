/*
 * types.ts: every answer of the console's HTTP API (/api/v1), in one place.
 *
 * Names are snake_case and carry their unit; times are integers since 1970 (`_ms`, `_us`), a duration too (`lag_ms`).
 * LSNs are text. Keys, values and cells of rows are text or null, so 64-bit numbers keep every digit.
 * A field marked `?` may be missing: the page then shows a dash, never 0. `null` says "cannot be known".
 */

/* Shape, colour and word of everything that has a state. */
export type State = 'ok' | 'warn' | 'crit' | 'idle' | 'busy' | 'info';
export type Severity = 'ok' | 'info' | 'warn' | 'crit';

/* Lists: ?q= sort= dir=asc|desc offset= limit= (at most 500); answered with an ETag. */
export interface List<T> {
  total: number;
  revision?: number;
  items: T[];
}

/* (a) GET /me */
export interface Me {
  access: 'write' | 'read' | 'none';
  login: 'none' | 'token' | 'required';
  version: string;
  host: string;
  kafka?: string; /* where clients reach its broker */
  started_ms: number;
  now_ms: number;
  read_only_why: string | null;
  zone: string;
}

/* Text with links and code in it: drawn piece by piece, never as markup. */
export type Rich = string | { code: string } | { link: string; text: string };

/* A button of a problem: opens a page, or sends a change; `confirm` is the grade of the question before it. */
export interface Action {
  text: string;
  open?: string;
  method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path?: string;
  body?: unknown;
  confirm?: 'none' | 'ask' | 'type';
  command?: string;
}

export interface Problem {
  id: string;
  code: string;
  severity: Severity;
  since_ms: number;
  subject: { kind: string; name: string };
  title: string;
  why: Rich[];
  todo: string;
  lost: string;
  caused_by: string | null;
  actions: Action[];
}

/* (b) GET /overview and the stream's event `overview` */
export interface PipelineNode {
  id: string;
  name: string;
  note: string | null;
  state: State;
  path: string | null;
  facts: Record<string, string>;
}
export interface PipelineColumn {
  title: string;
  note?: string | null;
  total: number;
  nodes: PipelineNode[];
}
export interface PipelineEdge {
  from: string;
  to: string;
  rate_per_s: number | null;
  lag_ms: number | null;
  waiting: number | null;
  state: State;
  text: string | null;
}
export interface Slot {
  slot: string;
  connector: string | null;
  ours: boolean;
  active: boolean;
  reachable?: boolean;
  state: State;
  wal_bytes: number | null;
  room_bytes: number | null;
  room_from: 'wal_limit' | 'local_disk' | 'setting' | null;
  growth_bytes_per_s: number | null;
  full_at_ms: number | null;
  wal_status: string | null;
}
/* The numbers beside the entries of the navigation. */
export interface Counts {
  topics: number;
  groups: number;
  connectors: number;
  agents: number;
  alerts_open: number;
  reports: number;
}
export interface Overview {
  verdict: { severity: Severity; text: string };
  durable_lsn: string | null;
  lost: number | null;
  vitals: {
    commit_to_agent_p50_ms: number | null;
    commit_to_agent_p99_ms: number | null;
    rows_per_s: number | null;
    alerts_per_min: number | null;
    cpu_cores: number | null;
    memory_bytes: number | null;
  };
  problems: Problem[];
  problems_total?: number;
  columns: PipelineColumn[];
  edges: PipelineEdge[];
  slots: Slot[];
  counts?: Counts;
}

/* GET /events: "What happened"; kind=change gives the changes that people made (with old and new). */
export interface EventLine {
  at_ms: number;
  severity: Severity;
  subject: string;
  text: string;
  by: string | null;
  old?: string | null;
  new?: string | null;
}

/*
 * GET /series?names=a,b&from_ms&to_ms&points. Names: rows_in, rows_out, commit_to_agent_p50_ms, commit_to_agent_p99_ms,
 * wal_bytes:SLOT, connector_rows:NAME, connector_commit_to_durable_p50_ms:NAME (and p99), group_lag_worst_ms:NAME,
 * group_lag_rest_ms:NAME, group_arrives:NAME, group_reads:NAME, agent_rows:NAME, report_value:NAME. A gap is null.
 */
export interface Series {
  t0_ms: number;
  step_ms: number;
  series: Record<string, (number | null)[]>;
  limits: Record<string, number>;
}

/* GET /find */
export interface Found {
  kind: 'topic' | 'group' | 'connector' | 'agent' | 'alert' | 'report' | 'page' | 'action' | 'lsn' | 'message' | 'key';
  name: string;
  note: string | null;
  path: string;
}

/* GET /topics */
export type TopicKind = 'table' | 'plain' | 'alerts' | 'internal';
export interface TopicItem {
  name: string;
  kind: TopicKind;
  partitions: number;
  messages: number | null;
  bytes: number | null;
  in_per_s: number | null;
  readers: number | null;
  kept_ms: number | null /* null: for ever */;
  policy: string /* delete, compact, or compact,delete */;
  last_ms: number | null;
}
/* GET /topics/:t and the stream's event `topic` */
export interface TopicPartition {
  partition: number;
  first: number;
  end: number;
  messages: number;
  bytes: number;
  in_per_s: number | null;
  segments: number;
  last_ms: number | null;
  state: State;
  word: string;
}
export interface ConfigEntry {
  name: string;
  value: string | null;
  default: string | null;
  source: 'topic' | 'default' | 'setting';
  meaning: string;
  unit?: string | null /* ms, bytes, … */;
  read_only?: boolean;
}
export interface Topic {
  topic: TopicItem & { table?: string | null; connector?: string | null; schema_version?: number | null };
  partitions: TopicPartition[];
  config: ConfigEntry[];
}
/* The answer to dry_run of POST /topics, DELETE /topics/:t, POST …/empty */
export interface Effect {
  effect: string /* one sentence in numbers */;
  readers?: string[];
  command?: string | null;
  warnings?: string[];
}
export interface ConfigChange {
  name: string;
  old: string | null;
  new: string | null;
  effect: string | null;
}
/* GET /topics/:t/schema */
export interface SchemaVersion {
  version: number;
  from_lsn: string | null;
  at_ms: number | null;
  replica_identity?: string | null;
  columns: { name: string; type: string; key: boolean; nullable?: boolean; change?: 'added' | 'removed' | 'changed' | null }[];
}

/* (c) one message; in lists `text` is cut to 512 bytes and a row to 40 columns of 120 bytes */
export interface Piece {
  text: string | null;
  bytes: number;
  cut: number;
  schema_folded?: number;
  binary?: boolean;
}
export interface RowColumn {
  name: string;
  type: string;
  key: boolean;
  before: string | null;
  after: string | null;
  changed: boolean;
  unavailable: boolean;
  masked?: boolean;
}
export interface Row {
  op: 'c' | 'u' | 'd' | 'r' | 't' | 'm';
  table: string;
  lsn: string | null;
  xid: string | null;
  commit_us: number | null;
  snapshot: boolean;
  columns: RowColumn[];
  columns_cut?: number;
  before_missing?: string | null /* the replica identity, when it is why `before` is empty */;
}
export interface Message {
  topic: string;
  partition: number;
  offset: number;
  at_ms: number;
  at_kind: 'create' | 'append';
  key: Piece | null;
  value: Piece | null /* null: a tombstone */;
  headers: { name: string; value: string | null; cut?: number }[];
  batch?: { base_offset: number; count: number; codec: string; bytes: number; producer_id: string | null };
  row?: Row | null;
}
/* GET /topics/:t/messages: a search, as server-sent events `progress`, `messages`, `error`, `done` */
export interface SearchProgress {
  scanned: number;
  total: number;
  found: number;
  bytes: number;
  took_ms: number;
  at: [number, number][];
  skipped?: number /* live only: messages that were not sent, per second */;
}
export interface SearchDone {
  why: 'end' | 'limit' | 'budget' | 'stopped';
  cursor: string | null;
  scanned: number;
  total: number;
}
export interface CopyEffect {
  count: number;
  first: [number, number] | null;
  last: [number, number] | null;
}

/* (d) groups: GET /groups gives items without partitions, members and why; `last_hour` are 24 values of lag_ms */
export interface GroupItem {
  group: string;
  kafka_state: string;
  state: State;
  word: string;
  members_count?: number;
  topics?: string[];
  lag_ms: number | null;
  waiting: number | null;
  catches_up_ms: number | null;
  catches_up_why: string | null;
  last_hour?: (number | null)[];
  empty_since_ms?: number | null;
}
export interface GroupPartition {
  topic: string;
  partition: number;
  committed: number | null;
  end: number;
  waiting: number | null;
  lag_ms: number | null;
  member: string | null;
  state: State;
  word: string;
  lost?: number /* messages that retention deleted before the group read them */;
  stood_ms?: number | null /* how long it has been there while messages wait */;
}
export interface GroupMember {
  member: string;
  client_id: string;
  host: string;
  software: string | null;
  last_poll_ms: number | null;
  last_heartbeat_ms: number | null;
  partitions: Record<string, number[]>;
}
export interface Why {
  code: string;
  title: string;
  why: Rich[];
  todo: string;
  actions: Action[];
}
export interface Group extends GroupItem {
  generation: number | null;
  assignor: string | null;
  reads_per_s: number | null;
  arrives_per_s: number | null;
  last_commit_ms?: number | null;
  oldest_unread_ms?: number | null;
  why: Why | null;
  partitions: GroupPartition[];
  members: GroupMember[];
  rebalances?: { at_ms: number; cause: string; took_ms: number | null; members: number }[];
}
/* (e) POST /groups/:g/offsets; without `plan` and with dry_run a preview */
export type ResetTo =
  | { kind: 'beginning' | 'end' | 'past_one' }
  | { kind: 'time'; at_ms: number }
  | { kind: 'offset'; offset: number }
  | { kind: 'by'; count: number }
  | { kind: 'duration'; ms: number }
  | { kind: 'group'; group: string };
export interface ResetPlan {
  plan: string;
  valid_ms: number;
  summary: string;
  read_again: number;
  skipped: number;
  blocked: string | null;
  command: string;
  partitions: { topic: string; partition: number; from: number | null; to: number; from_ms: number | null; to_ms: number | null; note?: string | null }[];
}

/* (f) connectors: GET /connectors gives the same objects without `snapshot` details */
export interface SnapshotTable {
  table: string;
  rows: number;
  rows_about: number | null;
  rows_per_s: number | null;
  left_ms: number | null;
}
export interface Snapshot {
  id: string;
  kind: 'initial' | 'incremental';
  state: 'running' | 'paused' | 'done' | 'failed' | 'stopped';
  started_ms: number;
  ended_ms?: number | null;
  tables: SnapshotTable[];
  load_max: number | null;
  load?: number | null;
  error?: string | null;
}
export interface Connector {
  name: string;
  state: State;
  word: string;
  since_ms: number | null;
  by: string | null;
  database: string | null;
  server: string | null;
  server_version: string | null;
  slot: string | null;
  publication: string | null;
  tables: number | null;
  rows_per_s: number | null;
  lag_ms?: number | null;
  silent_ms?: number | null; /* since PostgreSQL last said something in the stream */
  commit_to_durable_ms: { p50: number | null; p99: number | null } | null;
  positions: { server: string | null; received: string | null; appended: string | null; durable: string | null; confirmed: string | null } | null;
  ages_ms: { received: number | null; appended: number | null; durable: number | null; confirmed: number | null } | null;
  wal_bytes: number | null;
  error: { title: string; why: Rich[]; quote: string | null; code: string | null; todo: string; lost: string; actions?: Action[] } | null;
  retry: { tries: number; next_ms: number | null; passes_by_itself: boolean | null } | null;
  warnings: { property: string | null; text: string }[];
  snapshot: Snapshot | null;
}
export interface ConnectorTable {
  table: string;
  topic: string | null;
  captured: boolean;
  why_not: string | null;
  rows_per_s: number | null;
  key: string[];
  replica_identity: string | null;
  schema_version: number | null;
  last_ms: number | null;
  snapshot: { state: Snapshot['state']; rows: number; rows_about: number | null } | null;
}
/* GET /logs, /connectors/:c/log; with follow=1 as events `line` */
export interface LogLine {
  at_ms: number;
  level: 'debug' | 'info' | 'warning' | 'error';
  part: string;
  text: string;
  id?: number;
}

/* (g) every error */
export interface ErrorBody {
  code: string;
  what: string;
  why: string | null;
  todo: string | null;
  field: string | null;
  position?: number | null /* of a filter: the character that is wrong */;
  actions: Action[];
  request: string | null;
}

/* (h) POST /preflight */
export interface PreflightCheck {
  code: string;
  state: 'ok' | 'warn' | 'crit' | 'info' | 'idle';
  title: string;
  found: string | null;
  why: string | null;
  todo: string | null;
  property: string | null;
  patch: { text?: string; set?: Record<string, string>; unset?: string[] } | null;
  sql: string | null;
  command: string | null;
}
export interface Preflight {
  verdict: 'ok' | 'warn' | 'crit';
  text: string;
  errors: number;
  warnings: number;
  took_ms: number;
  checks: PreflightCheck[];
  makes: { kind: string; name: string; note: string }[];
  tables: { table: string; rows_about: number | null; bytes: number | null; key: string[]; replica_identity: string; captured: boolean; why_not: string | null }[];
}

/* (i) alerts; GET /alerts gives the lines of the inbox */
export type AlertState = 'open' | 'acknowledged' | 'false_positive' | 'resolved' | 'muted';
export interface AlertLine {
  id: string;
  agent: string | null;
  rule?: string | null;
  key?: string | null;
  mute?: string | null /* the mute that kept it from the sinks */;
  severity: Severity;
  state: AlertState;
  at_us: number;
  subject: string | null;
  title: string | null;
  number: string | null;
  note?: string | null /* what is said below the number: "score 90" */;
}
/* One step of a row's way; start_us counts from the commit. */
export interface Hop {
  step: string;
  stage: 'pg' | 'capture' | 'log' | 'agent' | 'out';
  start_us: number;
  took_us: number | null;
  note: string | null;
  known: 'exact' | 'batch' | 'no';
  later: boolean;
}
export interface AlertList extends List<AlertLine> {
  open: number;
  last_hour: number | null;
}
export interface Alert extends AlertLine {
  rule_version: number | null;
  total: { was: string; limit: string } | null;
  conditions: { text: string; was: string | null; limit: string | null; points: number | null; held: boolean }[];
  window: {
    from_us: number;
    to_us: number;
    by: string;
    unit?: string | null;
    limit?: number | null;
    limit_text?: string | null;
    inputs_total?: number;
    inputs: { topic?: string | null; partition: number | null; offset: number | null; at_us: number | null; number: string | null; gone?: boolean }[];
  } | null;
  model?: string | null;
  features?: { name: string; value: string | null; weight: number }[];
  hops: Hop[];
  topic?: string | null;
  partition?: number | null;
  offset?: number | null;
  row?: Row | null;
  commit_to_alert_us?: number | null;
  folded?: number | null /* alerts of its key before it that were not sent */;
  problem?: { why: string | null; todo: string; closed: boolean } | null /* raised by the program itself */;
  deliveries: { sink: string; kind: string; state: State; word?: string; answer: string | null; tries: number; took_us: number | null; next_ms: number | null; at_us?: number | null; mute?: string | null }[];
  history: { at_ms: number; state: AlertState; by: string | null; note: string | null }[];
}
/* GET /mutes */
export interface Mute {
  id: string;
  agent: string | null;
  key: string | null;
  from_ms: number;
  until_ms: number;
  by: string;
  note: string | null;
}
/* GET /agents/:a/keys/:k */
export interface AgentKey {
  agent: string;
  rule: string;
  key: string;
  event_time_us: number | null;
  state: unknown;
}
export interface EvaluateAgain {
  same: boolean;
  text: string;
}

/* GET /agents, /agents/:a */
export interface AgentItem {
  agent: string;
  state: State;
  word: string;
  since_ms: number | null;
  rule: string;
  rule_version: number;
  dry_run: boolean;
  source: string;
  rows_per_s: number | null;
  lag_ms: number | null;
  keys: number | null;
  state_bytes: number | null;
  alerts_per_min: number | null;
}
export interface Agent extends AgentItem {
  folded?: number /* alerts that were counted instead of sent */;
  rule_summary?: string | null;
  model?: string | null /* its version */;
  trouble?: string | null /* why a newer script or model is not in use */;
  tries?: number;
  next_ms?: number | null;
  config: Record<string, string>;
  row_us: { p50: number | null; p99: number | null } | null;
  commit_us?: { p50: number; p99: number } | null;
  scores: { limit: number | null; buckets: { from: number; to: number; count: number }[] } | null;
  biggest_keys: { key: string; bytes: number; items: number }[];
  state_limit_bytes: number | null;
  evictions: number | null;
  error: Why | null;
  versions: { version: number; at_ms: number | null; by: string | null; changes: { name: string; old: string | null; new: string | null }[] }[];
}
/* GET /rules: what an agent can do; `report`: the settings of a report */
export interface RuleSetting {
  name: string;
  default: string | null;
  help: string;
}
export interface Rules {
  items: { rule: string; summary: string; settings: RuleSetting[] }[];
  report: RuleSetting[];
}
/* POST /agents/:a/backtest: events `progress` {scanned,total} and `done` */
export interface BacktestDone {
  old: number;
  new: number;
  both: number;
  only_old: number;
  only_new: number;
  precision_old: number | null;
  precision_new: number | null;
  old_stopped?: string | null /* what the present version ends with on these rows */;
  samples: { which: 'only_old' | 'only_new'; title: string; path: string | null }[];
}

/* GET /reports, /reports/:r, …/runs */
export interface ReportItem {
  report: string;
  state: State;
  word: string;
  value: string | null;
  unit: string | null;
  at_ms: number | null;
  next_ms: number | null;
  every_ms: number | null;
}
export interface ReportRun {
  at_ms: number;
  value: string | null;
  rows: number | null;
  took_ms: number | null;
  error: string | null;
}
export interface Report extends ReportItem {
  database: string | null;
  query: string;
  config: Record<string, string>;
  paused: boolean;
  error: Why | null;
  runs: ReportRun[];
}

/* GET /trace */
export interface TraceReader {
  reader: string;
  kind: string;
  state: State;
  word: string;
  after_us: number | null;
}
/* Where it waits; `ok`: not there. */
export interface TraceWait {
  connector?: string | null;
  who?: string | null;
  step: string;
  state: State;
  why: string;
  todo: string | null;
}
export interface TraceChange {
  op: Row['op'];
  lsn: string | null;
  commit_us: number | null;
  xid?: string | null;
  topic: string | null;
  partition: number | null;
  offset: number | null;
  to_alert_us?: number | null;
  traceparent?: string | null;
  alerts: { id: string; title: string | null }[];
  known_why: string;
  hops: Hop[];
  readers: TraceReader[];
  waits: TraceWait[];
}
export interface Trace {
  changes: TraceChange[];
  known: 'exact' | 'batch' | 'partly';
  more: boolean;
  looked: { records: number; back_to_ms: number | null; complete: boolean };
  waits: TraceWait[];
  note: string | null;
}

/* GET /health */
export interface Health {
  checks: { name: string; state: State; text: string; todo: string | null }[];
  listeners: { name: string; address: string; clients: number | null; note: string | null }[];
  threads: { name: string; cpu_cores: number | null; mailbox: number | null; mailbox_max: number | null }[];
  disk: { path: string; total_bytes: number | null; free_bytes: number | null; used_bytes: number | null; topics: { topic: string; bytes: number }[] };
  memory: { total_bytes: number | null; parts: { part: string; bytes: number }[] };
}
/* GET /bundle?dry_run=1 */
export interface BundleList {
  files: { name: string; bytes: number | null; removed: string | null }[];
}
/* GET /settings */
export interface Setting {
  name: string;
  value: string | null;
  default: string | null;
  source: 'default' | 'file' | 'command line' | 'console';
  meaning: string;
  applies: 'now' | 'restart';
  unit?: string | null;
  secret?: boolean;
}
export interface Filter {
  id: string;
  topic: string;
  name: string;
  filter: string;
}

/* Connect's own bodies, below /api/v1/connect/ */
export interface ConnectOffsets {
  offsets: { partition: Record<string, unknown>; offset: Record<string, unknown> | null }[];
}

/* The stream (GET /stream?watch=…) */
export interface StreamEvents {
  hello: { now_ms: number; version: string; access: Me['access'] };
  overview: Overview;
  topic: Topic;
  group: Group;
  connector: Connector;
  agent: Agent;
  report: Report;
  problem: { opened: Problem[]; changed: Problem[]; closed: string[] };
  alert: AlertLine | { more: number };
  event: EventLine;
  revision: Record<string, number>;
  starting: { step: string; share: number | null };
  gone: { kind: string; name: string; error: ErrorBody } /* what is watched does not exist any more, and why */;
  bye: { reason: string };
}
