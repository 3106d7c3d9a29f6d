/* agents.tsx: the rules that read the rows, and one of them in detail. */
import { useState } from 'preact/hooks';
import { asError, at, get, query } from '../lib/api';
import * as f from '../lib/format';
import { useLive, useSeries } from '../lib/hooks';
import type { Agent, AgentKey, AgentItem } from '../lib/types';
import { Button, Dots, Head, Panel, Since, Stat, Stats, When } from '../parts/basic';
import { Code } from '../parts/code';
import { useCrumbs } from '../parts/frame';
import { Plot } from '../parts/plot';
import { ServerList } from '../parts/server-list';
import { Empty, Shown } from '../parts/states';
import { Status } from '../parts/status';
import { Table, type Column } from '../parts/table';
import { NewButton, Steering, Trouble, useSettings } from '../parts/versioned';

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

export function AgentTable({ items }: { items: AgentItem[] }) {
  return <Table columns={COLUMNS} items={items} label="Agents" keyOf={a => a.agent + a.rule_version} open={a => at('agents', a.agent)} />;
}

function AgentList() {
  useCrumbs([['Agents']]);
  const [total, setTotal] = useState<number | null>(null);
  return (
    <div class="page">
      <Head title="Agents" sub={total === null ? ' ' : total === 0 ? 'None runs' : `${f.plural(total, 'agent')} ${total === 1 ? 'reads' : 'read'} the decoded rows`}>
        <NewButton kind="agents" first />
      </Head>
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
          <Empty icon="agents" title="No agent runs" actions={<NewButton kind="agents" />} command="tailrace agent fraud-score --topic fraud-detection.public.transactions">
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

/* Its settings: what was set stands out from what holds unless set. */
function Rule({ a }: { a: Agent }) {
  const settings = useSettings('agents', a.rule, a.config), code = a.config['rule.code'];
  return (
    <Panel title="The rule" extra={`version ${a.rule_version}`}>
      <p class="pad-line">
        <b>{a.rule}</b>
        {a.rule_summary ? `: ${a.rule_summary}.` : null}
      </p>
      {code ? <Code text={code} label="Script" /> : null}
      <Table
        label="Configuration"
        items={settings.filter(s => s.name !== 'rule.code')}
        keyOf={s => s.name}
        columns={[
          { name: 'Setting', cell: s => <code>{s.name.replace(/^rule\./, '')}</code> },
          { name: 'Value', label: true, class: 'wrap', cell: s => (a.config[s.name] ? <b>{a.config[s.name]}</b> : <span class="is-idle">{s.default ?? f.DASH}</span>) },
          { name: 'Meaning', class: 'wrap dim', cell: s => s.help }
        ]}
      />
    </Panel>
  );
}

function AgentPage({ name }: { name: string }) {
  useCrumbs([['Agents', '/agents'], [name]]);
  const answer = useLive(at('agents', name), 'agent:' + name, 'agent'), rows = useSeries(['agent_rows:' + name], HOUR);
  return (
    <div class="page">
      <Shown answer={answer} rows={8}>
        {a => (
          <>
            <Head title={name}>
              <Button href={'/alerts' + query({ agent: name })}>Its alerts</Button>
              <Steering kind="agents" name={name} paused={/paused|failed|stopped/i.test(a.word)} config={a.config} reload={answer.reload} />
            </Head>
            <p class="sub num">
              <Dots>
                <Status state={a.state}>{a.word}</Status>
                {a.since_ms ? (
                  <span>
                    for <Since at={a.since_ms} />
                  </span>
                ) : null}
                {a.next_ms ? `try ${a.tries}, next in ${f.duration(Math.max(0, a.next_ms - f.nowMs()))}` : null}
                {a.model ? `model ${a.model}` : null}
                {`rule v${a.rule_version}${a.dry_run ? ', dry run: its alerts are counted, not sent' : ''}`}
                <span>
                  reads <a href={at('topics', a.source)}>{a.source}</a>
                </span>
              </Dots>
            </p>
            <Trouble error={a.error} state="crit" />
            <Trouble state="warn" error={a.trouble ? { code: '', title: 'A newer file is not in use', why: [a.trouble], todo: 'Correct the file; the one before goes on meanwhile.', actions: [] } : null} />
            <Stats>
              <Stat name="Rows" value={f.rate(a.rows_per_s)} note={a.row_us ? `${f.micros(a.row_us.p50)} a row, p99 ${f.micros(a.row_us.p99)}` : null} />
              <Stat name="Behind" value={f.duration(a.lag_ms)} state={a.state} note="after the commit" />
              <Stat name="State" value={f.bytes(a.state_bytes)} note={`${f.int(a.keys)} keys${a.state_limit_bytes ? `, of at most ${f.bytes(a.state_limit_bytes)}` : ''}`} />
              <Stat name="Alerts" value={perMin(a.alerts_per_min)} note={a.folded ? `${f.int(a.folded)} more were folded` : a.evictions === null ? null : a.evictions ? `${f.int(a.evictions)} keys were dropped for room` : 'no key was dropped for room'} />
            </Stats>
            <div class={a.scores ? 'cols-2 even' : ''}>
              <Panel title="Rows per second">
                {rows.data ? <Plot label="Rows evaluated over the last hour" t0_ms={rows.data.t0_ms} step_ms={rows.data.step_ms} unit={f.si} series={[{ name: 'rows', color: 1, values: rows.data.series['agent_rows:' + name] ?? [], now: f.rate(a.rows_per_s) }]} /> : null}
              </Panel>
              {a.scores ? <Scores scores={a.scores} /> : null}
            </div>
            <div class="cols-2 even">
              <Rule a={a} />
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
                      { name: 'Changed', class: 'wrap', cell: v => v.changes.map(c => (c.name === 'rule.code' ? 'the script' : `${c.name} ${c.old ?? f.DASH} → ${c.new ?? f.DASH}`)).join(', ') || 'the first' }
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
