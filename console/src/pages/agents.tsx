/* agents.tsx: the rules that read the rows, and one of them in detail. */
import { useState } from 'preact/hooks';
import { asError, at, change, get, open, query } from '../lib/api';
import * as f from '../lib/format';
import { useLive, useSeries } from '../lib/hooks';
import { readEvents } from '../lib/sse';
import type { Agent, AgentKey, AgentItem, BacktestDone, ErrorBody } from '../lib/types';
import { Actions } from '../parts/actions';
import { Button, Dots, Field, Head, Meter, Panel, RichText, Since, Stat, Stats, When } from '../parts/basic';
import { ask, Dialog, ErrorLine, openDialog } from '../parts/dialog';
import { useCrumbs } from '../parts/frame';
import { Plot } from '../parts/plot';
import { ServerList } from '../parts/server-list';
import { Empty, Shown } from '../parts/states';
import { Mark, Status } from '../parts/status';
import { Table, type Column } from '../parts/table';
import { say } from '../parts/toast';

const HOUR = 3_600_000;
const perMin = (v: number | null) => (v === null ? f.DASH : `${f.si(v)}${f.GAP}/min`);

const COLUMNS: Column<AgentItem>[] = [
  {
    name: 'Agent',
    cell: a => (
      <span>
        <a class="strong" href={at('agents', a.agent)}>
          {a.agent}
        </a>
        <small class="under">{a.rule}</small>
      </span>
    )
  },
  { name: 'State', cell: a => <Status state={a.state}>{a.word}</Status> },
  { name: 'Rule', label: true, cell: a => <span class="tag">{`v${a.rule_version}${a.dry_run ? ', dry run' : ''}`}</span> },
  { name: 'Rows', align: 'num', cell: a => f.rate(a.rows_per_s) },
  { name: 'Behind', align: 'num', cell: a => f.duration(a.lag_ms) },
  { name: 'Keys', align: 'num', cell: a => f.int(a.keys) },
  { name: 'State size', align: 'num', cell: a => f.bytes(a.state_bytes) },
  { name: 'Alerts', align: 'num', cell: a => (a.dry_run ? `would be ${perMin(a.alerts_per_min)}` : perMin(a.alerts_per_min)) }
];

function AgentList() {
  useCrumbs([['Agents']]);
  const [total, setTotal] = useState<number | null>(null);
  return (
    <div class="page">
      <Head title="Agents" sub={total === null ? ' ' : total === 0 ? 'None runs' : `${f.plural(total, 'agent')} ${total === 1 ? 'reads' : 'read'} the decoded rows`} />
      <ServerList
        path="/agents"
        params={{}}
        revision="agents"
        columns={COLUMNS}
        label="Agents"
        keyOf={a => a.agent}
        open={a => at('agents', a.agent)}
        onTotal={setTotal}
        empty={
          <Empty icon="agents" title="No agent runs" command="tailrace agent fraud-score --topic fraud-detection.public.transactions">
            An agent reads rows as they come, keeps state per key, and raises alerts that say why. It runs in a terminal, or inside Tailrace when it is in the settings.
          </Empty>
        }
        nothing={null}
      />
    </div>
  );
}

function Scores({ scores }: { scores: NonNullable<Agent['scores']> }) {
  const max = Math.max(1, ...scores.buckets.map(b => Math.log10(b.count + 1)));
  return (
    <Panel title="Scores" extra={scores.limit === null ? null : `an alert above ${scores.limit}`}>
      <ol class="histogram" aria-label="Rows by score">
        {scores.buckets.map(b => (
          <li key={b.from} class={scores.limit !== null && b.from >= scores.limit ? 'hot' : ''} title={`${b.from} to ${b.to}: ${f.int(b.count)}`}>
            <i style={{ height: ((Math.log10(b.count + 1) / max) * 100).toFixed(1) + '%' }} />
            <span class="num">{b.from}</span>
            <span class="sr">{f.plural(b.count, 'row')}</span>
          </li>
        ))}
      </ol>
      <p class="hint pad-line">Rows of the last hour by score; heights are logarithmic.</p>
    </Panel>
  );
}

/* A new version is tried on history before it takes over. */
function EditAgent({ a, close, done }: { a: Agent; close: () => void; done: () => void }) {
  const [config, setConfig] = useState(a.config), [hours, setHours] = useState('24'), [error, setError] = useState<ErrorBody | null>(null), [share, setShare] = useState<number | null>(null), [result, setResult] = useState<BacktestDone | null>(null);
  const changes = Object.keys(config).filter(k => config[k] !== a.config[k]);
  const test = async () => {
    const abort = new AbortController();
    setError(null);
    setResult(null);
    setShare(0);
    try {
      const to_ms = Math.round(f.nowMs()), body = await open(at('agents', a.agent, 'backtest'), { signal: abort.signal, method: 'POST', body: { config, from_ms: to_ms - Number(hours) * HOUR, to_ms } });
      await readEvents(body, ({ event, data }) => {
        if (event === 'progress') {
          const p = JSON.parse(data) as { scanned: number; total: number };
          setShare(p.total ? p.scanned / p.total : 0);
        } else if (event === 'done') setResult(JSON.parse(data) as BacktestDone);
        else if (event === 'error') setError((JSON.parse(data) as { error: ErrorBody }).error);
      });
    } catch (e) {
      setError(asError(e));
    }
    setShare(null);
  };
  const put = (dry: boolean) => change('PUT', at('agents', a.agent), { config, ...(dry ? { mode: 'dry_run_beside' } : {}) });
  return (
    <Dialog
      title={`A new version of ${a.agent}`}
      close={close}
      wide
      foot={
        <>
          <Button changes disabled={!changes.length} busy="Starting…" onClick={() => put(true).then(() => (close(), say('The new version runs dry beside the old one'), done()), e => setError(asError(e)))}>
            Dry run beside the old one
          </Button>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button
            kind="primary"
            changes
            disabled={!changes.length || !result}
            title={result ? '' : 'Test it on history first'}
            onClick={() =>
              ask({
                title: `Switch ${a.agent} to the new version?`,
                effect: <p>{`On the last ${hours} h: ${f.int(result!.old)} alerts before, ${f.int(result!.new)} then; ${f.int(result!.only_old)} no longer, ${f.int(result!.only_new)} new.`}</p>,
                button: 'Switch',
                busy: 'Switching…',
                run: () => put(false),
                done: `${a.agent} has its new version`,
                then: () => {
                  close();
                  done();
                }
              })
            }
          >
            Switch…
          </Button>
        </>
      }
    >
      <div class="form">
        <div class="form-2">
          {Object.entries(config).map(([key, value]) => (
            <Field label={key} key={key} {...(value === a.config[key] ? {} : { note: `was ${a.config[key]}` })}>
              <input class="mono" type="text" spellcheck={false} value={value} onInput={e => (setConfig({ ...config, [key]: e.currentTarget.value }), setResult(null))} />
            </Field>
          ))}
        </div>
        <div class="bar">
          <span class="lab">Test it on the last</span>
          <label class="field">
            <input class="short" type="number" min="1" aria-label="Hours of history" value={hours} onInput={e => setHours(e.currentTarget.value)} />
            <span>h</span>
          </label>
          <Button disabled={!changes.length || share !== null} onClick={test}>
            {share === null ? 'Test' : `Testing, ${f.percent(share)}`}
          </Button>
        </div>
        {share !== null ? <Meter share={share} label="Share of history that is read" /> : null}
        <div aria-live="polite">
          {result ? (
            <>
              <p>
                <b>
                  {f.int(result.old)} alerts before, {f.int(result.new)} then.
                </b>{' '}
                {f.int(result.both)} in both, {f.int(result.only_old)} only before, {f.int(result.only_new)} only then.
                {result.precision_old !== null && result.precision_new !== null ? ` Where false positives are marked, ${f.percent(result.precision_old)} were right before, ${f.percent(result.precision_new)} then.` : ''}
              </p>
              <ul class="sinks">
                {result.samples.map((s, i) => (
                  <li key={i}>
                    <span>{s.which === 'only_old' ? 'only before' : 'only then'}</span>
                    {s.path ? <a href={s.path}>{s.title}</a> : <span>{s.title}</span>}
                  </li>
                ))}
              </ul>
            </>
          ) : null}
        </div>
        {error ? <ErrorLine error={error} /> : null}
      </div>
    </Dialog>
  );
}

function AgentPage({ name }: { name: string }) {
  useCrumbs([['Agents', '/agents'], [name]]);
  const answer = useLive(at('agents', name), 'agent:' + name, 'agent'), rows = useSeries(['agent_rows:' + name], HOUR);
  const set = async (state: 'paused' | 'running') => {
    try {
      await change('POST', at('agents', name, 'state'), { state });
      say(state === 'paused' ? `${name} is paused; rows wait in the log` : `${name} goes on`);
      await answer.reload();
    } catch (e) {
      say(asError(e).what, 'crit');
    }
  };
  return (
    <div class="page">
      <Shown answer={answer} rows={8}>
        {a => (
          <>
            <Head title={name}>
              {/paused/i.test(a.word) ? (
                <Button icon="play" kind="primary" changes busy="Resuming…" onClick={() => set('running')}>
                  Resume
                </Button>
              ) : (
                <Button icon="pause" changes busy="Pausing…" onClick={() => set('paused')}>
                  Pause
                </Button>
              )}
              <Button changes onClick={() => openDialog(close => <EditAgent a={a} close={close} done={answer.reload} />)}>
                Edit as a new version…
              </Button>
              <Button href={'/alerts' + query({ agent: name })}>Its alerts</Button>
            </Head>
            <p class="sub num">
              <Dots>
                <Status state={a.state}>{a.word}</Status>
                {a.since_ms ? (
                  <span>
                    for <Since at={a.since_ms} />
                  </span>
                ) : null}
                {`rule v${a.rule_version}${a.dry_run ? ', dry run: its alerts are counted, not sent' : ''}`}
                <span>
                  reads <a href={at('topics', a.source)}>{a.source}</a>
                </span>
              </Dots>
            </p>
            {a.error ? (
              <article class="problem is-crit">
                <Mark state="crit" />
                <div class="problem-body">
                  <h2>{a.error.title}</h2>
                  <p>
                    <RichText parts={a.error.why} />
                  </p>
                  <p class="todo">
                    <b>Do: </b>
                    {a.error.todo}
                  </p>
                </div>
                <div class="problem-actions">
                  <Actions actions={a.error.actions} />
                </div>
              </article>
            ) : null}
            <Stats>
              <Stat name="Rows" value={f.rate(a.rows_per_s)} note={a.row_us ? `${f.micros(a.row_us.p50)} a row, p99 ${f.micros(a.row_us.p99)}` : null} />
              <Stat name="Behind" value={f.duration(a.lag_ms)} state={a.state} note="after the commit" />
              <Stat name="State" value={f.bytes(a.state_bytes)} note={`${f.int(a.keys)} keys${a.state_limit_bytes ? `, of at most ${f.bytes(a.state_limit_bytes)}` : ''}`} />
              <Stat name="Alerts" value={perMin(a.alerts_per_min)} note={a.folded ? `${f.int(a.folded)} more were folded` : a.evictions === null ? null : a.evictions ? `${f.int(a.evictions)} keys were dropped for room` : 'no key was dropped for room'} />
            </Stats>
            <div class="cols-2 even">
              <Panel title="Rows per second">
                {rows.data ? <Plot label="Rows evaluated over the last hour" t0_ms={rows.data.t0_ms} step_ms={rows.data.step_ms} unit={f.si} series={[{ name: 'rows', color: 1, values: rows.data.series['agent_rows:' + name] ?? [], now: f.rate(a.rows_per_s) }]} /> : null}
              </Panel>
              {a.scores ? <Scores scores={a.scores} /> : null}
            </div>
            <div class="cols-2 even">
              <Panel title="The rule" extra={`version ${a.rule_version}`}>
                <p class="pad-line">
                  <b>{a.rule}</b>
                  {a.rule_summary ? `: ${a.rule_summary}.` : null}
                </p>
                <Table
                  label="Configuration"
                  items={Object.entries(a.config)}
                  keyOf={([k]) => k}
                  columns={[
                    { name: 'Setting', cell: ([k]) => <code>{k}</code> },
                    { name: 'Value', label: true, cell: ([, v]) => <b>{v}</b> }
                  ]}
                />
              </Panel>
              <div class="stack">
                <Panel title="Versions">
                  <Table
                    label="Versions"
                    items={a.versions.length ? a.versions : [{ version: a.rule_version, at_ms: a.since_ms, by: 'the settings', changes: [] }]}
                    keyOf={v => v.version}
                    columns={[
                      { name: 'Version', cell: v => <b>v{v.version}</b> },
                      { name: 'Since', label: true, cell: v => <When at={v.at_ms} /> },
                      { name: 'By', label: true, cell: v => v.by ?? f.DASH },
                      { name: 'Changed', class: 'wrap', cell: v => v.changes.map(c => `${c.name} ${c.old ?? f.DASH} → ${c.new ?? f.DASH}`).join(', ') || 'the first' }
                    ]}
                  />
                </Panel>
                <KeyLookup name={name} />
                {a.biggest_keys.length ? (
                  <Panel title="Biggest keys">
                    <Table
                      label="Biggest keys"
                      items={a.biggest_keys}
                      keyOf={k => k.key}
                      columns={[
                        { name: 'Key', cell: k => <code>{f.visible(k.key)}</code> },
                        { name: 'Items', align: 'num', cell: k => f.int(k.items) },
                        { name: 'Size', align: 'num', cell: k => f.bytes(k.bytes) }
                      ]}
                    />
                  </Panel>
                ) : null}
              </div>
            </div>
          </>
        )}
      </Shown>
    </div>
  );
}

/* What it keeps of a key right now. */
function KeyLookup({ name }: { name: string }) {
  const [key, setKey] = useState(''), [found, setFound] = useState<string | null>(null);
  const look = () =>
    void get<AgentKey>(at('agents', name, 'keys', key)).then(
      k => setFound(JSON.stringify(k.state, null, 1)),
      e => setFound([asError(e).what, asError(e).why].filter(Boolean).join(' '))
    );
  return (
    <Panel title="Look up a key">
      <form class="bar pad-line" onSubmit={e => (e.preventDefault(), key && look())}>
        <input type="text" aria-label="Key" value={key} onInput={e => setKey(e.currentTarget.value)} />
        <Button disabled={!key} onClick={look}>
          Show
        </Button>
      </form>
      <pre class="pad-line" aria-live="polite">
        {found}
      </pre>
    </Panel>
  );
}

export function Agents({ rest }: { rest: string[] }) {
  return rest[0] === undefined ? <AgentList /> : <AgentPage name={rest[0]} key={rest[0]} />;
}
