/* connector.tsx: one connector: its state with cause and remedy, positions, snapshot, and its parts. */
import { useState } from 'preact/hooks';
import { asError, at, change, query } from '../lib/api';
import * as f from '../lib/format';
import { useAgain, useAnswer, useLive, useSeries } from '../lib/hooks';
import { go } from '../lib/router';
import { overview } from '../parts/frame';
import { useStore } from '../lib/store';
import type { Connector, ConnectorTable } from '../lib/types';
import { Button, Dots, Head, Meter, Panel, RichText, Since, Tabs, When } from '../parts/basic';
import { Actions } from '../parts/actions';
import { ask, openDialog } from '../parts/dialog';
import { useCrumbs } from '../parts/frame';
import { Menu } from '../parts/menu';
import { Plot } from '../parts/plot';
import { Shown } from '../parts/states';
import { Mark, Status } from '../parts/status';
import { Table, type Column } from '../parts/table';
import { say } from '../parts/toast';
import { WalPlot } from './overview';
import { Configuration, DeleteConnector, Log, Offsets } from './connector-parts';
import { SnapshotPanel, Snapshots } from './connector-snapshots';

const HOUR = 3_600_000;
const STEPS: [keyof NonNullable<Connector['positions']>, string][] = [
  ['server', 'PostgreSQL wrote'],
  ['received', 'Received'],
  ['appended', 'Appended'],
  ['durable', 'Durable'],
  ['confirmed', 'Confirmed']
];

function Ladder({ c }: { c: Connector }) {
  const { positions, ages_ms } = c;
  if (!positions) return null;
  const bad = c.state === 'crit', slot = useStore(overview)?.slots.find(s => s.slot === c.slot), old = slot?.reachable === false;
  return (
    <section class="panel pad" aria-label="Positions">
      <ol class="ladder">
        {STEPS.map(([key, name], i) => {
          const gap = i === 0 ? null : f.lsnGap(positions.server, positions[key]), age = i === 0 ? null : (ages_ms?.[key as 'received'] ?? null);
          return (
            <li key={key} class={i === 0 ? 'is-pg' : bad ? 'is-crit' : ''}>
              <span>{name}</span>
              <code>{positions[key] ?? f.DASH}</code>
              <small class="num">{i === 0 ? (old ? 'as seen last' : 'now') : gap === null ? '' : [gap === 0 ? 'the same' : f.bytes(gap), age === null ? '' : f.duration(age)].filter(Boolean).join(' · ')}</small>
            </li>
          );
        })}
      </ol>
      <p class="hint">
        {old
          ? `PostgreSQL does not answer, so what it keeps is not known now; after Confirmed it was ${f.bytes(c.wal_bytes)}.`
          : bad
          ? `PostgreSQL must keep everything after Confirmed: ${f.bytes(c.wal_bytes)}.${slot?.room_bytes ? ` The disk has ${f.bytes(slot.room_bytes)} left.` : ''}`
          : `PostgreSQL may drop everything before Confirmed; it keeps ${f.bytes(c.wal_bytes)} for this slot. Only durable rows are confirmed.`}
      </p>
    </section>
  );
}

function Trouble({ c, reload }: { c: Connector; reload: () => void }) {
  const { error, retry } = c;
  if (!error) return null;
  const again = retry?.next_ms ?? null;
  return (
    <article class={'problem is-' + (c.state === 'warn' ? 'warn' : 'crit')}>
      <Mark state={c.state} />
      <div class="problem-body">
        <h2>
          {error.title}
          {c.since_ms ? (
            <small class="num">
              for <Since at={c.since_ms} />
            </small>
          ) : null}
        </h2>
        <p>
          <RichText parts={error.why} /> {error.quote && !JSON.stringify(error.why).includes(JSON.stringify(error.quote).slice(1, -1)) ? <q>{error.quote}</q> : null}
          {/^[0-9A-Z]{5}$/.test(error.code ?? '') ? ` (SQLSTATE ${error.code})` : ''}
        </p>
        <p class="todo">
          <b>Do: </b>
          {error.todo}
        </p>
        {error.lost ? <p>{error.lost}</p> : null}
        {retry && retry.tries > 0 ? (
          <p class="num is-idle">
            Tried {f.plural(retry.tries, 'time')}
            {again !== null ? `; next try in ${f.duration(Math.max(0, again - f.nowMs()))}` : ''}. {retry.passes_by_itself === false ? 'This does not pass by itself.' : retry.passes_by_itself ? 'This can pass by itself.' : ''}
          </p>
        ) : null}
      </div>
      <div class="problem-actions">
        {error.actions?.length ? (
          <Actions actions={error.actions} first="primary" />
        ) : /log in|password/i.test(error.title) ? (
          <Button kind="primary" href={at('connectors', c.name, 'configuration') + query({ focus: 'database.password' })}>
            Set the password…
          </Button>
        ) : null}
        <Button changes busy="Trying…" onClick={() => restart(c.name, reload)}>
          Try now
        </Button>
      </div>
    </article>
  );
}

const api = (name: string, ...rest: string[]) => at('connect', 'connectors', name, ...rest);

async function restart(name: string, reload: () => void): Promise<void> {
  try {
    await change('POST', api(name, 'restart') + '?includeTasks=true');
    say(`${name} starts anew`);
    reload();
  } catch (e) {
    say(asError(e).what, 'crit');
  }
}
async function put(name: string, verb: 'pause' | 'resume', reload: () => void): Promise<void> {
  try {
    await change('PUT', api(name, verb));
    say(verb === 'pause' ? `${name} is paused; its slot holds WAL meanwhile` : `${name} goes on where it was`);
    reload();
  } catch (e) {
    say(asError(e).what, 'crit');
  }
}

function StatusPart({ c, reload }: { c: Connector; reload: () => void }) {
  const names = ['connector_rows:' + c.name, `connector_commit_to_durable_p99_ms:${c.name}`, `connector_commit_to_durable_p50_ms:${c.name}`];
  const { data: s } = useSeries(names, HOUR), slot = useStore(overview)?.slots.find(x => x.slot === c.slot), bad = c.state === 'crit' && slot !== undefined;
  const wal = useSeries(bad && c.slot ? ['wal_bytes:' + c.slot] : [], 3 * HOUR, 90), tables = useAnswer<{ items: ConnectorTable[] }>(at('connectors', c.name, 'tables'));
  useAgain(tables.reload);
  const values = (i: number) => s?.series[names[i]!] ?? [];
  return (
    <>
      <Trouble c={c} reload={reload} />
      {c.warnings.length ? (
        <div class="strip is-warn">
          <Mark state="warn" />
          <p>
            {c.warnings.map((w, i) => (
              <span key={i}>
                {w.property ? <code>{w.property}</code> : null} {w.text}
                {i < c.warnings.length - 1 ? '; ' : /[.?]$/.test(w.text) ? '' : '.'}
              </span>
            ))}
          </p>
          <Button kind="small" href={at('connectors', c.name, 'configuration')}>
            Configuration
          </Button>
        </div>
      ) : null}
      <Ladder c={c} />
      {s ? (
        <div class="cols-2 even">
          <Panel title="Rows per second">
            <Plot label="Rows captured over the last hour" t0_ms={s.t0_ms} step_ms={s.step_ms} unit={f.si} series={[{ name: 'rows', color: 1, values: values(0), now: f.rate(c.rows_per_s) }]} />
          </Panel>
          {bad && wal.data ? (
            <Panel title="WAL that PostgreSQL must keep for it">
              <WalPlot series={wal.data} slot={slot} />
            </Panel>
          ) : (
            <Panel title="Commit to durable">
              <Plot
                label="Time from commit to durable over the last hour"
                t0_ms={s.t0_ms}
                step_ms={s.step_ms}
                unit={f.duration}
                series={[
                  { name: 'p99', color: 4, values: values(1), now: f.duration(c.commit_to_durable_ms?.p99) },
                  { name: 'p50', color: 3, values: values(2), now: f.duration(c.commit_to_durable_ms?.p50) }
                ]}
              />
            </Panel>
          )}
        </div>
      ) : null}
      {c.snapshot && (c.snapshot.state === 'running' || c.snapshot.state === 'paused') ? <SnapshotPanel connector={c.name} snapshot={c.snapshot} reload={reload} /> : null}
      <Shown answer={tables} panel>
        {list => <Tables items={list.items.filter(t => t.captured)} publication={c.publication} />}
      </Shown>
    </>
  );
}

const TABLES: Column<ConnectorTable>[] = [
  { name: 'Table', cell: t => <b>{t.table}</b> },
  { name: 'Topic', label: true, cell: t => (t.topic ? <a href={at('topics', t.topic)}>{t.topic}</a> : <span class="is-idle">{t.why_not ?? 'not captured'}</span>) },
  { name: 'Rows', align: 'num', cell: t => f.rate(t.rows_per_s) },
  { name: 'Key', label: true, cell: t => (t.key.length ? <code>{t.key.join(', ')}</code> : t.replica_identity === null ? f.DASH : <span class="is-warn">none</span>) },
  { name: 'Replica identity', label: true, cell: t => t.replica_identity ?? f.DASH },
  { name: 'Schema', label: true, cell: t => (t.schema_version === null ? f.DASH : 'v' + t.schema_version) },
  { name: 'Last event', align: 'num', cell: t => <When at={t.last_ms} relative label="none" /> },
  {
    name: 'Snapshot',
    label: true,
    cell: t => {
      const s = t.snapshot;
      if (!s) return f.DASH;
      if (s.state === 'done') return <Status state="ok">{`done: ${f.int(s.rows)}`}</Status>;
      if (s.state !== 'running' && s.state !== 'paused') return <Status state={s.state === 'failed' ? 'crit' : 'idle'}>{s.state}</Status>;
      return (
        <span class="with-meter">
          <Meter share={s.rows_about ? s.rows / s.rows_about : 0} label={`Snapshot of ${t.table}`} />
          <small class="num">{`${f.int(s.rows)}${s.rows_about === null ? '' : ` of about ${f.int(s.rows_about)}`}`}</small>
        </span>
      );
    }
  }
];

function Tables({ items, publication }: { items: ConnectorTable[]; publication: string | null }) {
  return (
    <Panel title="Tables" extra={publication ? `publication ${publication}` : null}>
      {items.length ? <Table columns={TABLES} items={items} label="Tables" keyOf={t => t.table} /> : <p class="pad-line">No table is known yet; they appear when the connector has connected.</p>}
    </Panel>
  );
}

function AllTables({ c }: { c: Connector }) {
  const answer = useAnswer<{ items: ConnectorTable[] }>(at('connectors', c.name, 'tables'));
  useAgain(answer.reload);
  return (
    <Shown answer={answer} panel>
      {list => <Tables items={list.items} publication={c.publication} />}
    </Shown>
  );
}

const TITLES: Record<string, string> = { status: 'Status', tables: 'Tables', snapshots: 'Snapshots', configuration: 'Configuration', offsets: 'Offsets', log: 'Log' };

export function ConnectorPage({ name, tab }: { name: string; tab: string }) {
  useCrumbs([['Connectors', '/connectors'], [name]]);
  const answer = useLive(at('connectors', name), 'connector:' + name, 'connector'), base = at('connectors', name), [, again] = useState(0);
  const reload = () => {
    void answer.reload();
    again(n => n + 1);
  };
  const stop = (c: Connector) =>
    ask({
      title: `Stop ${name}?`,
      effect: async () => {
        const slot = overview.get()?.slots.find(s => s.slot === c.slot), growth = slot?.growth_bytes_per_s ?? 0;
        return (
          <p>
            Capture stops; slot <code>{c.slot}</code> stays and holds WAL{growth > 0 ? `, ${f.bytes(growth * 3600)} an hour at the present rate` : ''}. Resume continues where it stopped.
          </p>
        );
      },
      command: `tailrace connectors stop ${name}`,
      button: 'Stop it',
      busy: 'Stopping…',
      run: () => change('PUT', api(name, 'stop')),
      done: `${name} is stopped`,
      then: reload
    });
  return (
    <div class="page">
      <Shown answer={answer} rows={8} back={['/connectors', 'Show the connectors']}>
        {c => {
          const paused = /paused|stopped/i.test(c.word);
          return (
            <>
              <Head title={name}>
                {paused ? (
                  <Button icon="play" kind="primary" changes busy="Resuming…" onClick={() => put(name, 'resume', reload)}>
                    Resume
                  </Button>
                ) : (
                  <Button icon="pause" changes busy="Pausing…" onClick={() => put(name, 'pause', reload)}>
                    Pause
                  </Button>
                )}
                <Button
                  icon="restart"
                  changes
                  onClick={() =>
                    ask({
                      title: `Restart ${name}?`,
                      effect: <p>The connector and its task stop and start again from the last durable position. No row is lost or doubled.</p>,
                      command: `tailrace connectors restart ${name}`,
                      button: 'Restart',
                      busy: 'Restarting…',
                      run: () => change('POST', api(name, 'restart') + '?includeTasks=true'),
                      done: `${name} starts anew`,
                      then: reload
                    })
                  }
                >
                  Restart
                </Button>
                {/stopped/i.test(c.word) ? null : (
                  <Button icon="stop" changes onClick={() => stop(c)}>
                    Stop
                  </Button>
                )}
                <Menu
                  title="More: change offsets, delete"
                  items={[
                    { text: 'Change offsets…', run: () => go(base + '/offsets') },
                    { text: 'Delete…', changes: true, danger: true, run: () => openDialog(close => <DeleteConnector c={c} close={close} />) }
                  ]}
                />
              </Head>
              <p class="sub num">
                <Dots>
                  <Status state={c.state}>{c.word}</Status>
                  {c.since_ms ? (
                    <span>
                      for <Since at={c.since_ms} />
                      {c.by ? `, by ${c.by}` : ''}
                    </span>
                  ) : null}
                  {c.database ? `${c.database} on ${c.server ?? f.DASH}` : null}
                  {c.server_version ? `PostgreSQL ${c.server_version}` : null}
                  {c.slot ? `slot ${c.slot}` : null}
                </Dots>
              </p>
              <Tabs
                current={TITLES[tab] ?? 'Status'}
                items={[
                  ['Status', base],
                  ['Tables', base + '/tables', c.tables],
                  ['Snapshots', base + '/snapshots'],
                  ['Configuration', base + '/configuration'],
                  ['Offsets', base + '/offsets'],
                  ['Log', base + '/log']
                ]}
              />
              {tab === 'tables' ? (
                <AllTables c={c} />
              ) : tab === 'snapshots' ? (
                <Snapshots c={c} reload={reload} />
              ) : tab === 'configuration' ? (
                <Configuration c={c} />
              ) : tab === 'offsets' ? (
                <Offsets c={c} />
              ) : tab === 'log' ? (
                <Log path={base + '/log'} />
              ) : (
                <StatusPart c={c} reload={reload} />
              )}
            </>
          );
        }}
      </Shown>
    </div>
  );
}
