/* group.tsx: one consumer group: how far behind, why, and moving its offsets with a preview. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { asError, at, bootstrap, change, query } from '../lib/api';
import * as f from '../lib/format';
import { useAnswer, useDelayed, useLive, useSeries } from '../lib/hooks';
import { go, route, setQuery } from '../lib/router';
import { useStore } from '../lib/store';
import type { Effect, ErrorBody, Group, GroupItem, GroupMember, GroupPartition, List, ResetPlan, ResetTo } from '../lib/types';
import { Actions } from '../parts/actions';
import { Button, CopyButton, Dots, Head, Panel, RichText, Segments, Stat, Stats, useBlocked, When } from '../parts/basic';
import { ask, ErrorLine } from '../parts/dialog';
import { useCrumbs } from '../parts/frame';
import { Menu } from '../parts/menu';
import { Plot } from '../parts/plot';
import { Empty, Shown } from '../parts/states';
import { Mark, Status } from '../parts/status';
import { Table, type Column } from '../parts/table';
import { catchesUp } from './groups';

const HOUR = 3_600_000;

function Numbers({ g }: { g: Group }) {
  const asOf = useMemo(f.nowMs, [g]), stuck = g.partitions.filter(p => p.state !== 'ok' && p.state !== 'idle').map(p => p.partition);
  return (
    <Stats>
      <Stat name="Behind" value={f.duration(g.lag_ms)} state={g.state} note={g.lag_ms ? <>oldest unread: <When at={g.oldest_unread_ms ?? asOf - g.lag_ms} /></> : 'nothing waits'} />
      <Stat name="Messages waiting" value={f.int(g.waiting)} note={stuck.length ? `most in ${stuck.length === 1 ? 'partition' : 'partitions'} ${stuck.slice(0, 4).join(', ')}` : f.plural(g.partitions.length, 'partition')} />
      <Stat name="Reads" value={f.rate(g.reads_per_s)} note={`${f.rate(g.arrives_per_s)} arrive`} />
      <Stat name="Catches up" value={catchesUp(g)} state={g.catches_up_ms === null && g.state === 'warn' ? 'warn' : undefined} note={g.catches_up_ms === null && g.arrives_per_s && g.state === 'warn' ? `needs more than ${f.rate(g.arrives_per_s)}` : g.catches_up_why} />
    </Stats>
  );
}

function WhyCard({ g }: { g: Group }) {
  if (!g.why) return null;
  return (
    <article class={'problem is-' + (g.state === 'idle' || g.state === 'ok' ? 'info' : g.state)}>
      <Mark state={g.state} />
      <div class="problem-body">
        <h2>{g.why.title}</h2>
        <p>
          <RichText parts={g.why.why} />
        </p>
        <p class="todo">
          <b>Do: </b>
          {g.why.todo}
        </p>
      </div>
      <div class="problem-actions">
        <Actions actions={g.why.actions} />
      </div>
    </article>
  );
}

function Charts({ name }: { name: string }) {
  const names = ['group_lag_worst_ms:' + name, 'group_lag_rest_ms:' + name, 'group_arrives:' + name, 'group_reads:' + name];
  const { data: s } = useSeries(names, HOUR);
  if (!s) return null;
  const values = (i: number) => s.series[names[i]!] ?? [], now = (i: number) => values(i).findLast(v => v !== null);
  return (
    <div class="cols-2 even">
      <Panel title="Behind, in seconds">
        <Plot
          label="Behind over the last hour"
          t0_ms={s.t0_ms}
          step_ms={s.step_ms}
          unit={f.duration}
          series={[
            { name: 'the furthest behind', color: 2, values: values(0), now: f.duration(now(0)) },
            { name: 'the others', color: 3, values: values(1), now: f.duration(now(1)) }
          ]}
        />
      </Panel>
      <Panel title="Messages per second">
        <Plot
          label="Messages that arrive and that are read"
          t0_ms={s.t0_ms}
          step_ms={s.step_ms}
          unit={f.si}
          series={[
            { name: 'arrives', color: 1, values: values(2), now: f.rate(now(2)) },
            { name: 'is read', color: 2, values: values(3), now: f.rate(now(3)) }
          ]}
        />
      </Panel>
    </div>
  );
}

const hot = (p: GroupPartition) => p.state === 'warn' || p.state === 'crit';

function partitionColumns(g: Group): Column<GroupPartition>[] {
  const hosts = new Map<string, string>();
  for (const m of g.members) {
    hosts.set(m.member, m.host);
    hosts.set(m.client_id, m.host);
  }
  return [
    { name: 'Topic', cell: p => <a href={at('topics', p.topic)}>{p.topic}</a> },
    { name: 'Partition', align: 'num', cell: p => p.partition },
    { name: 'Committed', align: 'num', cell: p => (p.committed === null ? <span class="is-idle">none</span> : f.int(p.committed)) },
    { name: 'End', align: 'num', cell: p => f.int(p.end) },
    { name: 'Messages waiting', align: 'num', cell: p => <span class={hot(p) ? 'strong is-' + p.state : ''}>{f.int(p.waiting)}</span> },
    { name: 'Behind', align: 'num', cell: p => <span class={hot(p) ? 'strong is-' + p.state : ''}>{f.duration(p.lag_ms)}</span> },
    { name: 'Member', label: true, cell: p => (p.member ? <code>{p.member}</code> : <span class="is-idle">none</span>) },
    { name: 'Host', label: true, cell: p => (p.member ? (hosts.get(p.member) ?? f.DASH) : '') },
    { name: 'Verdict', cell: p => <Status state={p.state}>{p.word}</Status> }
  ];
}

const MEMBERS: Column<GroupMember>[] = [
  { name: 'Client id', cell: m => <code title={m.member}>{m.client_id}</code> },
  { name: 'Host', label: true, cell: m => m.host },
  { name: 'Software', label: true, cell: m => m.software ?? f.DASH },
  { name: 'Assigned', label: true, class: 'wrap', cell: m => Object.entries(m.partitions).map(([topic, list]) => `${topic} ${list.join(', ')}`).join('; ') || 'nothing' },
  { name: 'Last poll', align: 'num', cell: m => <When at={m.last_poll_ms} relative /> },
  { name: 'Last heartbeat', align: 'num', cell: m => <When at={m.last_heartbeat_ms} relative /> }
];

type Target = ResetTo['kind'];
const TARGETS: [Target, string][] = [
  ['past_one', 'Past one message'],
  ['end', 'Skip to the end'],
  ['time', 'A time'],
  ['beginning', 'The beginning'],
  ['offset', 'An offset'],
  ['by', 'By a number'],
  ['duration', 'A duration back'],
  ['group', 'Another group’s']
];
const UNITS: Record<string, number> = { s: 1000, min: 60_000, h: HOUR, d: 24 * HOUR };

/* What the fields say, or null while they say nothing yet. */
function targetOf(kind: Target, value: string, unit: string): ResetTo | null {
  const number = value.replace(/[,\s]/g, '');
  switch (kind) {
    case 'time': {
      const at_ms = f.parseTime(value);
      return at_ms === null ? null : { kind, at_ms };
    }
    case 'offset':
      return /^\d+$/.test(number) ? { kind, offset: Number(number) } : null;
    case 'by':
      return /^[+-]?\d+$/.test(number) && Number(number) !== 0 ? { kind, count: Number(number) } : null;
    case 'duration':
      return /^\d+(\.\d+)?$/.test(number) ? { kind, ms: Math.round(Number(number) * UNITS[unit]!) } : null;
    case 'group':
      return value ? { kind, group: value } : null;
    default:
      return { kind };
  }
}

function Reset({ g, reload }: { g: Group; reload: () => void }) {
  const stuck = g.partitions.find(hot), [kind, setKind] = useState<Target>(stuck ? 'past_one' : 'beginning'), [value, setValue] = useState(''), [unit, setUnit] = useState('min');
  const [chosen, setChosen] = useState<string[] | null>(null), [plan, setPlan] = useState<ResetPlan | null>(null), [error, setError] = useState<ErrorBody | null>(null), [round, setRound] = useState(0), blocked = useBlocked();
  const groups = useAnswer<List<GroupItem>>(kind === 'group' ? '/groups?limit=200' : null);
  const key = (p: GroupPartition) => p.topic + ':' + p.partition;
  const default_ = kind === 'past_one' && stuck ? [key(stuck)] : g.partitions.map(key), picked = chosen ?? default_;
  const partitions: Record<string, number[]> = {};
  for (const p of g.partitions) if (picked.includes(key(p))) (partitions[p.topic] ??= []).push(p.partition);
  const to = targetOf(kind, value, unit), asked = useDelayed(JSON.stringify({ to, partitions }), 250), path = at('groups', g.group, 'offsets');
  useEffect(() => {
    const body = JSON.parse(asked) as { to: ResetTo | null; partitions: Record<string, number[]> };
    let alive = true;
    if (!body.to || !Object.keys(body.partitions).length) {
      setPlan(null);
      return;
    }
    change<ResetPlan>('POST', path, { ...body, dry_run: true }).then(
      answer => alive && (setPlan(answer), setError(null)),
      e => alive && (setError(asError(e)), setPlan(null))
    );
    return () => void (alive = false);
  }, [asked, round, g.members.length]);
  /* A preview is valid for a minute; then it is made anew. */
  useEffect(() => {
    if (!plan) return;
    const timer = setTimeout(() => setRound(r => r + 1), Math.max(5000, plan.valid_ms - 2000));
    return () => clearTimeout(timer);
  }, [plan]);
  const apply = () =>
    ask({
      title: `Reset ${f.plural(plan!.partitions.length, 'partition')} of ${g.group}?`,
      effect: <p>{plan!.summary}</p>,
      command: plan!.command,
      button: 'Reset',
      busy: 'Resetting…',
      run: async () => {
        try {
          await change('POST', path, { to, partitions, plan: plan!.plan });
        } catch (e) {
          setRound(r => r + 1);
          throw e;
        }
      },
      done: `${g.group}: offsets are reset`,
      then: () => {
        setRound(r => r + 1);
        reload();
      }
    });
  const signed = (from: number | null, target: number) => (from === null ? '' : target === from ? '0' : (target > from ? '+' : '−') + f.int(Math.abs(target - from)));
  const state = plan ? (plan.skipped > 1 ? 'crit' : plan.skipped || plan.read_again ? 'warn' : 'ok') : 'info';
  return (
    <Panel title="Reset offsets" extra="a preview; nothing changes until you confirm">
      <div class="reset" id="reset">
        <div class="bar">
          <span class="lab">Move to</span>
          <Segments<Target>
            label="Move to"
            items={TARGETS}
            value={kind}
            onPick={k => {
              setKind(k);
              setValue('');
              setChosen(null);
            }}
          />
          {kind === 'time' ? (
            <label class="field">
              <input class="start-at mono" type="text" aria-label={`Time, ${f.zoneName()}`} placeholder="14:20 or 2026-10-06 14:20" value={value} onInput={e => setValue(e.currentTarget.value)} />
              <span>{f.zoneName()}</span>
            </label>
          ) : kind === 'offset' || kind === 'by' ? (
            <label class="field">
              <input class="start-at mono" type="text" aria-label={kind === 'by' ? 'By, with its sign' : 'Offset'} placeholder={kind === 'by' ? '-1000 or +1' : '3605100'} value={value} onInput={e => setValue(e.currentTarget.value)} />
            </label>
          ) : kind === 'duration' ? (
            <>
              <label class="field">
                <input class="short mono" type="text" aria-label="How long back" placeholder="15" value={value} onInput={e => setValue(e.currentTarget.value)} />
              </label>
              <select aria-label="Unit" value={unit} onChange={e => setUnit(e.currentTarget.value)}>
                {Object.keys(UNITS).map(u => (
                  <option key={u}>{u}</option>
                ))}
              </select>
            </>
          ) : kind === 'group' ? (
            <select aria-label="Group" value={value} onChange={e => setValue(e.currentTarget.value)}>
              <option value="">choose…</option>
              {groups.data?.items
                .filter(i => i.group !== g.group)
                .map(i => (
                  <option key={i.group}>{i.group}</option>
                ))}
            </select>
          ) : null}
        </div>
        {g.partitions.length > 1 ? (
          <details class="choose-partitions">
            <summary>{picked.length === g.partitions.length ? `All ${g.partitions.length} partitions` : `${picked.length} of ${g.partitions.length} partitions`}</summary>
            <div class="checks-row">
              {g.partitions.map(p => (
                <label class="check" key={key(p)}>
                  <input type="checkbox" checked={picked.includes(key(p))} onChange={e => setChosen(e.currentTarget.checked ? [...picked, key(p)] : picked.filter(k => k !== key(p)))} />
                  {p.topic} {p.partition}
                </label>
              ))}
            </div>
          </details>
        ) : null}
        <div aria-live="polite">
          {plan ? (
            <p class={'preview-line is-' + state}>
              <Mark state={state} />
              <b>{plan.summary}</b>
            </p>
          ) : null}
        </div>
        {error ? <ErrorLine error={error} /> : null}
        {plan && plan.partitions.length ? (
          <Table
            label="What would change"
            items={plan.partitions}
            keyOf={p => p.topic + p.partition}
            columns={[
              { name: 'Topic', cell: p => p.topic },
              { name: 'Partition', align: 'num', cell: p => p.partition },
              { name: 'From', align: 'num', cell: p => f.int(p.from) },
              { name: 'To', align: 'num', cell: p => f.int(p.to) },
              { name: 'Change', align: 'num', cell: p => <b>{signed(p.from, p.to)}</b> },
              { name: 'What that means', class: 'wrap', cell: p => p.note ?? (p.from === null || p.to === p.from ? 'stays' : p.to > p.from ? <>skips <When at={p.from_ms} /> to {p.to_ms ? <When at={p.to_ms} /> : 'the end'}</> : <>reads again from <When at={p.to_ms} label="there" /></>) }
            ]}
          />
        ) : null}
        <div class="confirm">
          <p>{plan?.blocked ? <Status state="info">{plan.blocked}</Status> : plan ? 'It is applied exactly as shown; if offsets move meanwhile, it is refused and shown anew.' : to ? '' : 'Say where to.'}</p>
          {plan ? (
            <CopyButton text={plan.command} kind={undefined}>
              Copy as command
            </CopyButton>
          ) : null}
          <Button kind="primary" disabled={!plan || plan.blocked !== null || blocked !== null || !plan.partitions.length} title={plan?.blocked ?? blocked ?? ''} onClick={apply}>
            {`Reset ${f.plural(plan?.partitions.length ?? picked.length, 'partition')}…`}
          </Button>
        </div>
      </div>
    </Panel>
  );
}

export function GroupPage({ name }: { name: string }) {
  useCrumbs([['Groups', '/groups'], [name]]);
  const answer = useLive(at('groups', name), 'group:' + name, 'group'), { query: q } = useStore(route);
  const topicsOf = (g: Group) => [...new Set(g.partitions.map(p => p.topic))];
  useEffect(() => {
    if (q.get('reset') && answer.data) {
      document.getElementById('reset')?.scrollIntoView();
      setQuery({ reset: null });
    }
  }, [q, answer.data !== null]);
  return (
    <div class="page">
      <Shown answer={answer} rows={8} back={['/groups', 'Show the groups']}>
        {g => (
          <>
            <Head title={name}>
              <Button icon="restart" onClick={() => document.getElementById('reset')?.scrollIntoView({ behavior: 'smooth' })}>
                Reset offsets…
              </Button>
              <Menu
                title="More: delete offsets of a topic, delete the group"
                items={[
                  ...topicsOf(g)
                    .slice(0, 8)
                    .map(topic => ({
                      text: `Delete its offsets of ${topic}…`,
                      changes: true,
                      run: () =>
                        ask({
                          title: `Delete the offsets of ${topic}?`,
                          effect: async () => (await change<Effect>('DELETE', at('groups', name, 'offsets') + query({ topic }), { topic, dry_run: true }))?.effect,
                          command: `kafka-consumer-groups ${bootstrap()} --delete-offsets --group ${name} --topic ${topic}`,
                          button: 'Delete offsets',
                          busy: 'Deleting…',
                          danger: true,
                          run: () => change('DELETE', at('groups', name, 'offsets') + query({ topic }), { topic }),
                          done: `Offsets of ${topic} are deleted`,
                          then: answer.reload
                        })
                    })),
                  {
                    text: 'Delete the group…',
                    changes: true,
                    danger: true,
                    run: () =>
                      ask({
                        title: `Delete group ${name}?`,
                        effect: async () => (await change<Effect>('DELETE', at('groups', name), { confirm: name, dry_run: true }))?.effect,
                        command: `kafka-consumer-groups ${bootstrap()} --delete --group ${name}`,
                        name,
                        button: 'Delete',
                        busy: 'Deleting…',
                        run: () => change('DELETE', at('groups', name) + query({ confirm: name }), { confirm: name }),
                        done: `Group ${name} is deleted`,
                        then: () => go('/groups')
                      })
                  }
                ]}
              />
            </Head>
            <p class="sub num">
              <Dots>
                <Status state={g.state}>{g.word}</Status>
                {g.generation === null ? g.kafka_state.toLowerCase() : `${g.kafka_state.toLowerCase()}, generation ${f.int(g.generation)}`}
                {f.plural(g.members.length || (g.members_count ?? 0), 'member')}
                {g.assignor ? `${g.assignor} assignor` : null}
                {g.last_commit_ms ? (
                  <span>
                    last commit <When at={g.last_commit_ms} relative />
                  </span>
                ) : null}
              </Dots>
            </p>
            <Numbers g={g} />
            <WhyCard g={g} />
            <Charts name={name} />
            <Panel title="Partitions" extra={topicsOf(g).length === 1 ? `${g.partitions.length} of ${topicsOf(g)[0]}` : `${g.partitions.length} of ${topicsOf(g).length} topics`}>
              {g.partitions.length ? (
                <Table columns={partitionColumns(g)} items={g.partitions} label="Partitions" keyOf={p => p.topic + p.partition} rowClass={p => (hot(p) ? 'row-warn' : '')} />
              ) : (
                <Empty icon="groups" title="No offsets are committed" small>
                  The group has joined but not committed yet.
                </Empty>
              )}
            </Panel>
            {g.members.length ? (
              <Panel title="Members" extra={f.plural(g.members.length, 'member')}>
                <Table columns={MEMBERS} items={g.members} label="Members" keyOf={m => m.member} />
              </Panel>
            ) : null}
            <Reset g={g} reload={answer.reload} />
            {g.rebalances?.length ? (
              <Panel title="Rebalances">
                <ol class="events">
                  {g.rebalances.map(r => (
                    <li key={r.at_ms}>
                      <When at={r.at_ms} />
                      <Mark state="info" />
                      <b>{f.plural(r.members, 'member')}</b>
                      <span>
                        {r.cause}
                        {r.took_ms !== null ? `, took ${f.duration(r.took_ms)}` : ''}
                      </span>
                    </li>
                  ))}
                </ol>
              </Panel>
            ) : null}
          </>
        )}
      </Shown>
    </div>
  );
}
