/* connector-snapshots.tsx: copies of what is already in the tables: running, done, and new ones. */
import { useEffect, useState } from 'preact/hooks';
import { asError, at, change } from '../lib/api';
import * as f from '../lib/format';
import { useAgain, useAnswer } from '../lib/hooks';
import type { Connector, ConnectorTable, Effect, ErrorBody, Snapshot } from '../lib/types';
import { Button, Dots, Field, Meter, Panel, When } from '../parts/basic';
import { ask, Dialog, ErrorLine, openDialog } from '../parts/dialog';
import { Empty, Shown } from '../parts/states';
import { Status } from '../parts/status';
import { Table } from '../parts/table';
import { say } from '../parts/toast';

const STATE: Record<Snapshot['state'], string> = { running: 'busy', paused: 'idle', done: 'ok', failed: 'crit', stopped: 'idle' };

export function SnapshotPanel({ connector, snapshot: s, reload }: { connector: string; snapshot: Snapshot; reload: () => void }) {
  const rows = s.tables.reduce((n, t) => n + t.rows, 0), known = s.tables.every(t => t.rows_about !== null), about = s.tables.reduce((n, t) => n + (t.rows_about ?? 0), 0), speed = s.tables.reduce((n, t) => n + (t.rows_per_s ?? 0), 0);
  const left = s.tables.map(t => t.left_ms).filter((v): v is number => v !== null).reduce((a, b) => a + b, 0), share = known && about ? Math.min(1, rows / about) : null;
  const path = at('connectors', connector, 'snapshots', s.id), set = async (state: 'paused' | 'running') => {
    try {
      await change('PATCH', path, { state });
      say(state === 'paused' ? 'The snapshot waits' : 'The snapshot goes on');
      reload();
    } catch (e) {
      say(asError(e).what, 'crit');
    }
  };
  return (
    <Panel
      title={`Snapshot of ${s.tables.length === 1 ? s.tables[0]!.table : f.plural(s.tables.length, 'table')}`}
      extra={
        <>
          {s.kind}, started <When at={s.started_ms} />
        </>
      }
    >
      <div class="snap">
        <Meter share={share ?? 0} label="Share of the snapshot that is done" />
        <p class="num">
          <b>{share === null ? f.int(rows) : f.percent(share)}</b>
          <Dots>
            {share === null ? 'rows so far' : `${f.int(rows)} of about ${f.int(about)} rows`}
            {speed ? f.rate(speed) + (s.load_max !== null ? `, held down to ${f.percent(s.load_max)} of the database’s time` : '') : null}
            {s.state === 'paused' ? 'paused' : left ? `about ${f.duration(left)} left` : null}
          </Dots>
        </p>
        {s.kind === 'initial' ? null : <div class="row">
          {s.state === 'running' ? (
            <Button kind="small" icon="pause" changes busy="Pausing…" onClick={() => set('paused')}>
              Pause
            </Button>
          ) : (
            <Button kind="small" icon="play" changes busy="Resuming…" onClick={() => set('running')}>
              Resume
            </Button>
          )}
          <Button
            kind="small"
            icon="stop"
            changes
            onClick={() =>
              ask({
                title: 'Stop the snapshot?',
                effect: <p>{`${f.int(rows)} rows are in the topic and stay there. The rest is not copied; a new snapshot starts from the beginning.`}</p>,
                button: 'Stop it',
                busy: 'Stopping…',
                run: () => change('DELETE', path),
                done: 'The snapshot is stopped',
                then: reload
              })
            }
          >
            Stop
          </Button>
          <Button kind="small" changes onClick={() => openDialog(close => <StartSnapshot connector={connector} close={close} done={reload} />)}>
            Snapshot another table…
          </Button>
        </div>}
      </div>
    </Panel>
  );
}

function StartSnapshot({ connector, close, done }: { connector: string; close: () => void; done: () => void }) {
  const tables = useAnswer<{ items: ConnectorTable[] }>(at('connectors', connector, 'tables')), [picked, setPicked] = useState<string[]>([]), [condition, setCondition] = useState(''), [load, setLoad] = useState('5'), [effect, setEffect] = useState<string | null>(null), [error, setError] = useState<ErrorBody | null>(null);
  const body = { tables: picked, condition: condition || null, load_max: Number(load) / 100 }, path = at('connectors', connector, 'snapshots');
  return (
    <Dialog
      title="Take a snapshot"
      close={close}
      foot={
        <>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button
            kind="primary"
            changes
            disabled={!picked.length}
            busy="Starting…"
            onClick={async () => {
              try {
                setError(null);
                if (effect === null) {
                  setEffect((await change<Effect>('POST', path, { ...body, dry_run: true }))?.effect ?? '');
                  return;
                }
                await change('POST', path, body);
                close();
                say('The snapshot starts');
                done();
              } catch (e) {
                setError(asError(e));
              }
            }}
          >
            {effect === null ? 'Review' : 'Start it'}
          </Button>
        </>
      }
    >
      <p>Rows that are there are read in pieces while changes go on being captured; they arrive as “snapshot”.</p>
      <Shown answer={tables} rows={3}>
        {list => (
          <fieldset class="pick">
            <legend class="lab">Tables</legend>
            {list.items
              .filter(t => t.captured)
              .map(t => (
                <label key={t.table}>
                  <input
                    type="checkbox"
                    checked={picked.includes(t.table)}
                    onChange={e => {
                      setPicked(e.currentTarget.checked ? [...picked, t.table] : picked.filter(p => p !== t.table));
                      setEffect(null);
                    }}
                  />
                  {t.table}
                </label>
              ))}
          </fieldset>
        )}
      </Shown>
      <Field label="Only rows where" note="SQL, optional">
        <input class="mono" type="text" spellcheck={false} placeholder="id > 1000" value={condition} onInput={e => (setCondition(e.currentTarget.value), setEffect(null))} />
      </Field>
      <Field label="At most this share of the database’s time, in %">
        <input type="number" min="1" max="100" value={load} onInput={e => (setLoad(e.currentTarget.value), setEffect(null))} />
      </Field>
      <div aria-live="polite">{effect ? <p>{effect}</p> : null}</div>
      {error ? <ErrorLine error={error} /> : null}
    </Dialog>
  );
}

export function Snapshots({ c, reload }: { c: Connector; reload: () => void }) {
  const answer = useAnswer<{ items: Snapshot[] }>(at('connectors', c.name, 'snapshots'));
  /* A snapshot that begins or ends elsewhere changes the list, too. */
  useEffect(() => void answer.reload(), [c.snapshot?.id, c.snapshot?.state]);
  useAgain(answer.reload);
  const both = () => {
    reload();
    void answer.reload();
  };
  const start = (
    <Button icon="plus" kind="small" changes onClick={() => openDialog(close => <StartSnapshot connector={c.name} close={close} done={both} />)}>
      Take a snapshot…
    </Button>
  );
  return (
    <>
      {c.snapshot && (c.snapshot.state === 'running' || c.snapshot.state === 'paused') ? <SnapshotPanel connector={c.name} snapshot={c.snapshot} reload={both} /> : null}
      {answer.error?.code === 'NO_SUCH_PATH' ? (
        <Panel title="All snapshots">
          <p class="pad-line">This program takes the first snapshot when the connector starts, as snapshot.mode says; later ones cannot be started from here.</p>
        </Panel>
      ) : (
      <Shown answer={answer} panel>
        {list => (
          <Panel title="All snapshots" extra={start}>
            {list.items.length ? (
              <Table
                label="Snapshots"
                items={list.items}
                keyOf={s => s.id}
                columns={[
                  { name: 'Snapshot', cell: s => <b>{s.tables.map(t => t.table).join(', ') || s.id}</b> },
                  { name: 'State', cell: s => <Status state={STATE[s.state]}>{s.state}</Status> },
                  { name: 'Kind', label: true, cell: s => s.kind },
                  { name: 'Rows', align: 'num', cell: s => f.int(s.tables.reduce((n, t) => n + t.rows, 0)) },
                  { name: 'Started', align: 'num', cell: s => <When at={s.started_ms} /> },
                  { name: 'Took', align: 'num', cell: s => (s.ended_ms ? f.duration(s.ended_ms - s.started_ms) : f.DASH) },
                  { name: 'Error', class: 'wrap', cell: s => s.error ?? '' }
                ]}
              />
            ) : (
              <Empty icon="connectors" title="No snapshot was taken" small>
                The first one runs when the connector starts, unless snapshot.mode says otherwise.
              </Empty>
            )}
          </Panel>
        )}
      </Shown>
      )}
    </>
  );
}
