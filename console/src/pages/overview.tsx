/* overview.tsx: is anything wrong, what to do, and where the rows are. */
import { useState } from 'preact/hooks';
import { query } from '../lib/api';
import * as f from '../lib/format';
import { useAnswer, useLive, useSeries } from '../lib/hooks';
import { useBegin, useWatch } from '../lib/stream';
import type { EventLine, Overview as Data, Problem, Series, Slot } from '../lib/types';
import { Button, CopyButton, Meter, Panel, Unknown, When } from '../parts/basic';
import { useCrumbs } from '../parts/frame';
import { Pipeline } from '../parts/pipeline';
import { Plot } from '../parts/plot';
import { ProblemCard } from '../parts/problem';
import { Shown } from '../parts/states';
import { Mark, Status } from '../parts/status';
import { Table, type Column } from '../parts/table';

const HOUR = 3_600_000;

function Certain({ data }: { data: Data }) {
  const calm = data.verdict.severity === 'ok' || data.verdict.severity === 'info';
  const p50 = data.vitals.commit_to_agent_p50_ms;
  const several = (data.counts?.connectors ?? 0) > 1; /* the positions of several databases do not compare */
  return (
    <p>
      {calm ? '' : 'Everything else works. '}
      {p50 !== null ? (
        <>
          Rows reach the agents <b class="num">{f.duration(p50)}</b> after their commit;{' '}
        </>
      ) : null}
      {data.lost === null ? null : data.lost > 0 ? <b class="is-crit">{f.plural(data.lost, 'row')} lost</b> : data.durable_lsn || several ? (p50 === null ? 'No row is lost' : 'none is lost') : null}
      {data.durable_lsn ? (
        <>
          {data.lost === null ? (p50 === null ? 'All up to LSN ' : 'all up to LSN ') : ': all up to LSN '}
          <code>{data.durable_lsn}</code> is on disk here.
        </>
      ) : data.lost || (several && data.lost === 0) ? (
        '.'
      ) : several ? (
        'what is missing is said below.'
      ) : (
        'Nothing is captured yet.'
      )}
    </p>
  );
}

function Vitals({ v }: { v: Data['vitals'] }) {
  const list: [string, string][] = [
    ['Commit to agent, p99', f.duration(v.commit_to_agent_p99_ms)],
    ['Rows captured', f.rate(v.rows_per_s)],
    ['Alerts', v.alerts_per_min === null ? f.DASH : f.si(v.alerts_per_min) + f.GAP + '/min'],
    ['CPU', v.cpu_cores === null ? f.DASH : v.cpu_cores.toFixed(2) + f.GAP + 'core'],
    ['Memory', f.bytes(v.memory_bytes)]
  ];
  return (
    <dl class="vitals">
      {list.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="num">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Problems({ list, total }: { list: Problem[]; total: number }) {
  const [all, setAll] = useState(false);
  const roots = list.filter(p => !p.caused_by || !list.some(q => q.id === p.caused_by)), shown = all ? roots : roots.slice(0, 5);
  if (!roots.length) return null;
  return (
    <section class="problems" aria-label="Problems">
      {shown.map(p => (
        <ProblemCard key={p.id} problem={p} caused={list.filter(q => q.caused_by === p.id)} />
      ))}
      {roots.length > 5 || total > list.length ? (
        <Button kind="small" onClick={() => setAll(!all)}>
          {all ? 'Show five' : `${f.int(Math.max(roots.length, total) - 5)} more`}
        </Button>
      ) : null}
    </section>
  );
}

/* The forecast is a straight line from now on, at the slope of the last ten minutes, as the server says it. */
function Charts({ slots }: { slots: Slot[] }) {
  const slot = [...slots].filter(s => s.ours && s.wal_bytes !== null).sort((a, b) => b.wal_bytes! - a.wal_bytes!)[0];
  const rates = useSeries(['rows_in', 'rows_out', 'commit_to_agent_p50_ms', 'commit_to_agent_p99_ms'], HOUR);
  const wal = useSeries(slot ? ['wal_bytes:' + slot.slot] : [], 3 * HOUR, 90);
  const last = (s: Series | null, name: string) => s?.series[name]?.findLast(v => v !== null) ?? null;
  const s = rates.data, w = wal.data;
  return (
    <div class="cols-3">
      <Panel title="Rows per second">
        {s ? (
          <Plot
            label="Rows in and out over the last hour"
            t0_ms={s.t0_ms}
            step_ms={s.step_ms}
            unit={f.si}
            series={[
              { name: 'to consumers', color: 2, values: s.series.rows_out ?? [], now: f.rateShort(last(s, 'rows_out')) },
              { name: 'from PostgreSQL', color: 1, values: s.series.rows_in ?? [], now: f.rateShort(last(s, 'rows_in')) }
            ]}
          />
        ) : (
          <Shown answer={rates}>{() => null}</Shown>
        )}
      </Panel>
      <Panel title="Commit to agent">
        {s ? (
          <Plot
            label="Time from commit to agent over the last hour"
            t0_ms={s.t0_ms}
            step_ms={s.step_ms}
            unit={f.duration}
            series={[
              { name: 'p99', color: 4, values: s.series.commit_to_agent_p99_ms ?? [], now: f.duration(last(s, 'commit_to_agent_p99_ms')) },
              { name: 'p50', color: 3, values: s.series.commit_to_agent_p50_ms ?? [], now: f.duration(last(s, 'commit_to_agent_p50_ms')) }
            ]}
          />
        ) : null}
      </Panel>
      <Panel title="WAL that PostgreSQL must keep">{slot && w ? <WalPlot series={w} slot={slot} /> : slot ? null : <p class="plot-none">No slot yet</p>}</Panel>
    </div>
  );
}

const YEAR_MS = 365 * 86_400_000;

export function WalPlot({ series, slot }: { series: Series; slot: Pick<Slot, 'slot' | 'wal_bytes' | 'room_bytes' | 'growth_bytes_per_s' | 'full_at_ms'> }) {
  const past = series.series['wal_bytes:' + slot.slot] ?? [], growth = slot.growth_bytes_per_s ?? 0, steps = past.length, now = slot.wal_bytes ?? 0;
  /* The line goes on only when it grows towards something within the week. */
  const ahead = growth > 0 && slot.full_at_ms && slot.full_at_ms - f.nowMs() < 7 * 86_400_000 ? steps : 0;
  const values = [...past, ...Array<null>(ahead).fill(null)];
  const cast = [...past.map((_, i) => (i === steps - 1 ? now : null)), ...Array.from({ length: ahead }, (_, i) => now + (growth * (i + 1) * series.step_ms) / 1000)];
  const limit = slot.room_bytes !== null && (ahead > 0 || now > slot.room_bytes / 4) ? now + slot.room_bytes : null;
  const crit = ahead > 0;
  return (
    <Plot
      label={`WAL kept for slot ${slot.slot}`}
      t0_ms={series.t0_ms}
      step_ms={series.step_ms}
      unit={f.bytes}
      limit={limit === null ? null : { value: limit, text: `disk full: ${f.bytes(limit)}` }}
      series={[{ name: slot.slot, color: crit ? 5 : 1, values, now: f.bytes(slot.wal_bytes) }, ...(crit ? [{ name: 'if nothing changes', color: 5 as const, values: cast, dash: true }] : [])]}
    />
  );
}

const ROOM_WHY = 'PostgreSQL has no limit for WAL and its disk is not on this machine: set max_slot_wal_keep_size there, or wal.headroom.bytes here.';

const SLOTS: Column<Slot>[] = [
  {
    name: 'Slot',
    cell: s => (
      <span>
        <b>{s.slot}</b>
        <small class="under">{s.connector ?? (s.ours ? '' : 'not ours')}</small>
      </span>
    )
  },
  { name: 'State', cell: s => <Status state={s.reachable === false && s.state === 'ok' ? 'idle' : s.state}>{s.reachable === false ? 'as seen last' : s.active ? 'streaming' : s.wal_status === 'lost' ? 'lost' : 'inactive'}</Status> },
  { name: 'WAL kept', align: 'num', cell: s => (s.wal_bytes === null ? <Unknown why="The role may not read pg_replication_slots." /> : f.bytes(s.wal_bytes)) },
  {
    name: 'Share of the room',
    align: 'grow',
    cell: s => (s.room_bytes === null || s.wal_bytes === null ? <Unknown why={ROOM_WHY} /> : <Meter share={s.wal_bytes / (s.wal_bytes + s.room_bytes || 1)} state={s.state} label={`Share of the room that ${s.slot} uses`} />)
  },
  { name: 'Disk full in', align: 'num', cell: s => (s.reachable === false ? <Unknown why="PostgreSQL does not answer." /> : s.full_at_ms === null ? (s.room_bytes === null ? <Unknown why={ROOM_WHY} /> : 'never') : s.full_at_ms - f.nowMs() > YEAR_MS ? 'over a year' : `about ${f.duration(Math.max(0, Math.round((s.full_at_ms - f.nowMs()) / 60000) * 60000))}`) }
];

export function Events({ items }: { items: EventLine[] }) {
  return (
    <ol class="events">
      {items.map((e, i) => (
        <li key={e.at_ms + e.subject + i}>
          <When at={e.at_ms} />
          <Mark state={e.severity} />
          <b title={e.subject}>{e.subject}</b>
          <span title={e.text}>
            {e.by && e.by !== 'tailrace' ? `${e.text.replace(/\.$/, '')}, by ${e.by}` : e.text}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Happened() {
  const answer = useAnswer<{ items: EventLine[] }>('/events' + query({ limit: 8 }));
  const [fresh, setFresh] = useState<EventLine[]>([]);
  useBegin(answer.reload);
  useWatch('event', 'event', line => setFresh(list => [line, ...list].slice(0, 8)));
  const told = new Map([...fresh, ...(answer.data?.items ?? [])].map(e => [e.at_ms + e.subject + e.text, e])), items = [...told.values()].sort((a, b) => b.at_ms - a.at_ms).slice(0, 8);
  return (
    <Panel title="What happened" extra={<a href="/health#events">All events</a>}>
      <Shown answer={answer}>{() => (items.length ? <Events items={items} /> : <p class="pad-line">Nothing yet.</p>)}</Shown>
    </Panel>
  );
}

function Step({ done, title, children, button, command }: { done: boolean; title: string; children: preact.ComponentChildren; button?: preact.ComponentChildren; command: string }) {
  return (
    <li class={done ? 'done' : ''}>
      <Mark state={done ? 'ok' : 'idle'} />
      <div>
        <h3>
          {title} <span class="sr">{done ? 'done' : 'not yet'}</span>
        </h3>
        <p>{children}</p>
        <p class="command">
          <code>{command}</code>
          <CopyButton text={command} title="Copy the command" />
        </p>
      </div>
      {button}
    </li>
  );
}

/* A fresh program: three steps that tick by themselves. */
function FirstSteps({ data }: { data: Data }) {
  const nodes = (i: number) => data.columns[i]?.nodes.filter(n => !n.id.startsWith('create')) ?? [];
  const connected = nodes(1).length > 0, rows = (data.vitals.rows_per_s ?? 0) > 0 || data.durable_lsn !== null, agent = (data.counts?.agents ?? 0) > 0;
  return (
    <Panel title="Three steps to the first alert">
      <ol class="steps">
        <Step done={connected} title="Connect PostgreSQL" command="tailrace connectors create connector.json" button={<Button href="/connectors/new" kind={connected ? 'small' : 'primary'}>Create a connector</Button>}>
          Paste the JSON of a Debezium connector, or fill in the form. It is checked before anything is made.
        </Step>
        <Step done={rows} title="See the first row" command="tailrace psql mydb" button={<Button href="/topics">Show the topics</Button>}>
          Change a row of a captured table; it appears here within milliseconds.
        </Step>
        <Step done={agent} title="Start an agent" command="tailrace agent fraud-score --topic fraud-detection.public.transactions" button={<Button href="/agents">Show the agents</Button>}>
          An agent reads the rows as they come and raises alerts that say why.
        </Step>
      </ol>
    </Panel>
  );
}

export function Overview() {
  useCrumbs([['Overview']]);
  const answer = useLive('/overview', 'overview', 'overview');
  return (
    <div class="page overview">
      <Shown answer={answer} rows={8}>
        {data => {
          const connectors = (data.columns[1]?.nodes ?? []).some(n => n.id.startsWith('connector:'));
          const fresh = !connectors || (data.durable_lsn === null && !data.problems.length);
          return (
            <>
              <header class="verdict">
                <div>
                  <h1 aria-live="polite">
                    <Mark state={data.verdict.severity} />
                    {data.verdict.text}
                  </h1>
                  <Certain data={data} />
                </div>
                <Vitals v={data.vitals} />
              </header>
              <Problems list={data.problems} total={data.problems_total ?? data.problems.length} />
              <section class="panel flat" aria-label="Pipeline">
                <Pipeline overview={data} />
              </section>
              {fresh ? <FirstSteps data={data} /> : <Charts slots={data.slots} />}
              <div class="cols-2">
                <Panel title="Slots" extra={<a href="/connectors">Connectors</a>}>
                  {data.slots.length ? <Table columns={SLOTS} items={data.slots} label="Replication slots" keyOf={s => s.slot} /> : <p class="pad-line">No replication slot yet; a connector makes one.</p>}
                </Panel>
                <Happened />
              </div>
            </>
          );
        }}
      </Shown>
    </div>
  );
}
