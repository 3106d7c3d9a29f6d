/* alerts.tsx: the inbox on the left, one alert on the right. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { asError, change, get, query } from '../lib/api';
import { second } from '../lib/clock';
import * as f from '../lib/format';
import { useAnswer } from '../lib/hooks';
import { route } from '../lib/router';
import { useStore } from '../lib/store';
import { useBegin, useWatch } from '../lib/stream';
import type { AlertLine, AlertList, AlertState, List, Mute } from '../lib/types';
import { Button, Segments } from '../parts/basic';
import { useCrumbs } from '../parts/frame';
import { FilterField } from '../parts/server-list';
import { Empty, Shown } from '../parts/states';
import { Mark } from '../parts/status';
import { say } from '../parts/toast';
import { AlertPage, endMute, mutes } from './alert';

const PAGE = 100, LINES_MAX = 5000;
export const WORDS: Record<AlertState, string> = { open: 'open', acknowledged: 'acknowledged', false_positive: 'false positive', resolved: 'resolved', muted: 'muted' };

/* Changes an alert and offers to take it back for 10 s. */
export async function setAlert(alert: Pick<AlertLine, 'id' | 'state' | 'subject'>, state: AlertState, done: () => void): Promise<void> {
  const path = `/alerts/${encodeURIComponent(alert.id)}/state`, before = alert.state;
  try {
    await change('POST', path, { state });
    done();
    say(`${alert.id}, ${alert.subject}: ${WORDS[state]}`, 'ok', () => {
      void change('POST', path, { state: before }).then(done, e => say(asError(e).what, 'crit'));
    });
  } catch (e) {
    say(asError(e).what, 'crit');
  }
}

function Line({ a, here, search }: { a: AlertLine; here: boolean; search: string }) {
  const open = a.state === 'open';
  return (
    <li>
      <a class={'alert-item' + (open ? '' : ' done')} data-row href={`/alerts/${encodeURIComponent(a.id)}${search}`} aria-current={here ? 'true' : undefined}>
        <Mark state={open ? a.severity : 'idle'} />
        <span class="who">
          <b>{a.subject}</b>
          <small>{a.agent}</small>
        </span>
        <span class="what num">
          <b>{a.number === null ? '' : f.digits(a.number)}</b>
          <small>{a.mute ? 'muted' : a.note}</small>
        </span>
        <span class="when num">
          <span title={f.fullTime(a.at_us / 1000, true)}>{f.age(f.nowMs() - a.at_us / 1000)}</span>
          <small>{WORDS[a.state] ?? a.state}</small>
        </span>
      </a>
    </li>
  );
}

type Which = 'open' | 'all' | 'acknowledged';

/* Who is muted now; each can be ended. */
function Mutes() {
  const changes = useStore(mutes), answer = useAnswer<List<Mute>>('/mutes'), items = answer.data?.items ?? [];
  useEffect(() => {
    if (changes) void answer.reload();
  }, [changes]);
  if (!items.length) return null;
  return (
    <details class="bar tight">
      <summary class="num">{`${f.int(items.length)} muted`}</summary>
      <ul class="sinks">
        {items.map(m => (
          <li key={m.id}>
            <span>{[m.key ?? 'every key', m.agent ?? 'every agent', m.note].filter(Boolean).join(', ')}</span>
            <span class="num">
              {`${f.duration(m.until_ms - f.nowMs())} more `}
              <Button kind="small" changes busy="…" onClick={() => endMute(m.id)}>
                End
              </Button>
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

export function Alerts({ rest }: { rest: string[] }) {
  const id = rest[0] ?? null;
  useCrumbs(id ? [['Alerts', '/alerts'], [id]] : [['Alerts']]);
  useStore(second);
  const { query: q } = useStore(route), which = (q.get('state') ?? 'all') as Which, text = q.get('q') ?? '', agent = q.get('agent') ?? '';
  const params = query({ state: which === 'all' ? null : which, q: text, agent, limit: PAGE }), search = query({ state: which === 'all' ? null : which, q: text, agent });
  const answer = useAnswer<AlertList>('/alerts' + params);
  const [older, setOlder] = useState<AlertLine[]>([]), [fresh, setFresh] = useState<AlertLine[]>([]), [more, setMore] = useState(0), [end, setEnd] = useState(false), loading = useRef(false);
  const [changed, setChanged] = useState<Map<string, AlertLine>>(new Map());
  useLayoutEffect(() => {
    setOlder([]);
    setEnd(false);
  }, [answer.data]);
  /* Emptied when the list is asked for, not when it is there: what is told between the two stays. */
  const newsForget = () => {
    setFresh([]);
    setMore(0);
    setChanged(new Map());
  };
  useLayoutEffect(newsForget, [params]);
  const reload = () => {
    newsForget();
    void answer.reload();
  };
  const items = useMemo(() => [...(answer.data?.items ?? []), ...older].map(a => changed.get(a.id) ?? a).slice(0, LINES_MAX), [answer.data, older, changed]);
  useBegin(reload);
  /* New alerts gather in a line above; the list does not jump while it is read. */
  useWatch('alerts', 'alert', data => {
    if ('more' in data) setMore(n => n + data.more);
    else if (!items.length) reload(); /* nothing is being read yet */
    else if (items.some(i => i.id === data.id)) setChanged(map => new Map(map).set(data.id, data));
    else setFresh(list => (list.some(l => l.id === data.id) ? list : [data, ...list]));
  });
  const loadOlder = async () => {
    const last = items[items.length - 1];
    if (!last || loading.current || end) return;
    loading.current = true;
    try {
      const list = await get<AlertList>('/alerts' + params + '&before=' + encodeURIComponent(last.id));
      const known = new Set(items.map(i => i.id)), next = list.items.filter(i => !known.has(i.id));
      if (next.length) setOlder(o => [...o, ...next]);
      if (next.length < PAGE) setEnd(true);
    } catch {
      setEnd(true);
    } finally {
      loading.current = false;
    }
  };
  const go = (change: Record<string, string>) => {
    const next = new URLSearchParams(location.search);
    for (const [k, v] of Object.entries(change)) {
      if (v) next.set(k, v);
      else next.delete(k);
    }
    history.replaceState(null, '', location.pathname + (next.toString() ? '?' + next : ''));
    route.set({ ...route.get(), query: next });
  };
  const shown = id ?? (matchMedia('(min-width: 721px)').matches ? (items[0]?.id ?? null) : null), listed = new Set(items.map(i => i.id)), waiting = fresh.filter(a => !listed.has(a.id)).length + more;
  const agents = [...new Set([...items.map(i => i.agent ?? ''), ...(agent ? [agent] : [])])].filter(Boolean).sort();
  return (
    <div class={'page split' + (id ? ' has-choice' : '')}>
      <section
        class="inbox"
        aria-label="Inbox"
        onScroll={e => {
          const box = e.currentTarget;
          if (box.scrollTop + box.clientHeight > box.scrollHeight - 300 && items.length >= PAGE) void loadOlder();
        }}
      >
        {id ? null : <h1 class="sr">Alerts</h1>}
        <div class="bar tight">
          <Segments<Which>
            label="State"
            items={[
              ['open', answer.data ? `Open ${f.int(answer.data.open)}` : 'Open'],
              ['all', 'All'],
              ['acknowledged', 'Seen']
            ]}
            value={which}
            onPick={v => go({ state: v === 'all' ? '' : v })}
          />
          {agents.length > 1 ? (
            <select aria-label="Agent" class="short" value={agent} onChange={e => go({ agent: e.currentTarget.value })}>
              <option value="">All agents</option>
              {agents.map(a => (
                <option key={a}>{a}</option>
              ))}
            </select>
          ) : null}
        </div>
        <div class="bar inbox-filter">
          <FilterField label="Subject or text contains" value={text} onChange={v => go({ q: v })} />
        </div>
        <Mutes />
        {waiting ? (
          <button type="button" class="new-line" onClick={reload}>
            {f.int(waiting)} new
          </button>
        ) : null}
        <Shown answer={answer} rows={8}>
          {list =>
            items.length ? (
              <>
                <ol>
                  {items.map(a => (
                    <Line key={a.id} a={a} here={a.id === shown} search={search} />
                  ))}
                </ol>
                <p class="hint num">
                  {list.last_hour !== null ? `${f.int(list.last_hour)} in the last hour` : f.plural(list.total, 'alert')}
                  {items.length >= PAGE && !end ? '; older ones load as you scroll.' : '.'}
                </p>
              </>
            ) : text || agent || which !== 'all' ? (
              <Empty icon="search" title="No alert is like that" small actions={<Button onClick={() => go({ state: '', q: '', agent: '' })}>Clear the filter</Button>}>
                {which === 'open' ? 'None is open.' : 'Subjects and texts were searched.'}
              </Empty>
            ) : (
              <Empty icon="alerts" title="No alerts yet" small actions={<Button href="/agents">Show the agents</Button>}>
                An agent raises them when a rule holds; each says why.
              </Empty>
            )
          }
        </Shown>
      </section>
      {shown ? (
        <AlertPage id={shown} key={shown} changed={reload} heading={id !== null} />
      ) : answer.data && !items.length ? (
        <div class="alert">
          <p class="sub">Alerts that fire appear on the left, and the chosen one here.</p>
        </div>
      ) : null}
    </div>
  );
}
