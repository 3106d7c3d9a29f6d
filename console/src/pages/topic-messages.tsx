/* topic-messages.tsx: the message browser: search, live, the list as rows or text, and the message beside it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { asError, bootstrap, change, get, query } from '../lib/api';
import * as f from '../lib/format';
import { useBack, type Answer } from '../lib/hooks';
import { useKeys } from '../lib/keys';
import { route, setQuery } from '../lib/router';
import { askedFrom, NOTHING, place, Search, written, type Asked, type Found, type From } from '../lib/search';
import { useStore } from '../lib/store';
import type { Filter, Message, Topic } from '../lib/types';
import { Button, Segments } from '../parts/basic';
import { Cell, isNumber } from '../parts/cell';
import { Dialog, ErrorLine, openDialog } from '../parts/dialog';
import { Icon } from '../parts/icon';
import { Menu } from '../parts/menu';
import { MessageDrawer } from '../parts/message-drawer';
import { Empty, Failure, Shown } from '../parts/states';
import { Op } from '../parts/status';
import { Table, type Column } from '../parts/table';
import { say } from '../parts/toast';
import { openExport, openReproduce } from './topic-export';

type As = 'rows' | 'json' | 'bytes';
const STARTS: [From, string][] = [
  ['newest', 'Newest'],
  ['oldest', 'Oldest'],
  ['time', 'Time'],
  ['offset', 'Offset'],
  ['live', 'Live']
];
const COLUMNS_SHOWN = 8;

interface RowColumnName {
  name: string;
  type: string;
}
function columnsOf(messages: Message[]): RowColumnName[] {
  const seen = new Map<string, string>();
  for (const m of messages) for (const c of m.row?.columns ?? []) if (!seen.has(c.name)) seen.set(c.name, c.type);
  return [...seen].map(([name, type]) => ({ name, type }));
}

const time: Column<Message> = { name: 'Time', class: 'mono time', cell: m => <time dateTime={new Date(m.at_ms).toISOString()} title={f.fullTime(m.at_ms, true) + ' ' + f.zoneName(m.at_ms)}>{f.time(m.at_ms, true)}</time> };
const partition: Column<Message> = { name: 'Part.', class: 'dim', align: 'num', cell: m => m.partition };
const offset: Column<Message> = { name: 'Offset', class: 'dim', align: 'num', cell: m => f.int(m.offset) };

function rowColumns(names: RowColumnName[]): Column<Message>[] {
  return [
    time,
    { name: 'Change', cell: m => (m.row ? <Op op={m.row.op} /> : m.value ? '' : <Op op="tombstone" />) },
    ...names.map(({ name, type }): Column<Message> => ({ name, align: isNumber(type) ? 'num' : '', class: 'cell', cell: m => (m.row ? <Cell column={m.row.columns.find(c => c.name === name)} op={m.row.op} /> : null) })),
    partition,
    offset
  ];
}
function text(m: Message, as: As): ComponentChildren {
  if (!m.value || m.value.text === null) return <span class="is-idle">tombstone</span>;
  const value = m.value.text.slice(0, 512);
  return as === 'bytes' ? [...new TextEncoder().encode(value.slice(0, 64))].map(b => b.toString(16).padStart(2, '0')).join(' ') : f.visible(value);
}
function textColumns(as: As): Column<Message>[] {
  return [
    time,
    partition,
    offset,
    { name: 'Key', class: 'mono cut key', cell: m => (m.key?.text === null || !m.key ? <span class="is-idle">none</span> : f.visible(m.key.text.slice(0, 120))) },
    { name: 'Value', class: 'mono cut', cell: m => text(m, as) },
    { name: 'Size', class: 'num dim', cell: m => f.bytes(m.value?.bytes ?? 0) }
  ];
}

function Progress({ found, asked, onStop, onMore, children }: { found: Found; asked: Asked; onStop: () => void; onMore: () => void; children?: ComponentChildren }) {
  const { progress: p, done, running } = found;
  if (!p && !running && !done) return null;
  const total = p?.total ?? done?.total ?? 0, scanned = p?.scanned ?? done?.scanned ?? 0, n = found.messages.length;
  const order = asked.from === 'oldest' || asked.from === 'offset' || asked.from === 'time' ? 'oldest first' : 'newest first';
  if (asked.from === 'live')
    return (
      <div class="scan">
        <p class="num">
          <b>{f.plural(n, 'message')}</b> shown as they come.{' '}
          {p?.skipped ? <span class="is-idle">+{f.int(p.skipped)} /s not shown. </span> : null}
          {found.held.length ? <b>Frozen; {f.int(found.held.length)} waiting.</b> : <span class="is-idle">Space freezes.</span>}
        </p>
        {children}
        {running ? (
          <Button kind="small" icon="stop" onClick={onStop}>
            Stop
          </Button>
        ) : (
          <Button kind="small" icon="play" onClick={onMore}>
            Go on
          </Button>
        )}
      </div>
    );
  return (
    <div class="scan">
      <div class="scan-line">
        <i style={{ width: (running ? (total ? Math.min(1, scanned / total) * 100 : 0) : 100).toFixed(1) + '%' }} />
      </div>
      <p class="num">
        <b>{f.int(n)} found</b> in {f.int(scanned)} of {f.plural(total, 'message')}, {order}
        {p?.took_ms ? `, ${f.duration(p.took_ms)}` : ''}.{' '}
        <span class="is-idle">
          {running ? 'Stops at 500 found or after 10 s.' : done?.why === 'budget' ? 'The time was up.' : done?.why === 'stopped' ? 'Stopped.' : done?.why === 'limit' ? 'There are more.' : 'That is all.'}
        </span>
      </p>
      {children}
      {running ? (
        <Button kind="small" icon="stop" onClick={onStop}>
          Stop
        </Button>
      ) : done && done.why !== 'end' && (done.cursor !== null || done.why === 'stopped') ? (
        <Button kind="small" icon="search" onClick={onMore}>
          Search on
        </Button>
      ) : null}
    </div>
  );
}

function SaveFilter({ topic, filter, close, done }: { topic: string; filter: string; close: () => void; done: () => void }) {
  const [name, setName] = useState(''), [error, setError] = useState<ReturnType<typeof asError> | null>(null);
  const save = async () => {
    try {
      const id = 'f-' + Array.from(crypto.getRandomValues(new Uint8Array(6)), b => b.toString(16).padStart(2, '0')).join('');
      await change('PUT', '/filters/' + id, { topic, name, filter } satisfies Omit<Filter, 'id'>);
      close();
      say(`Filter “${name}” is saved for everyone`);
      done();
    } catch (e) {
      setError(asError(e));
    }
  };
  return (
    <Dialog
      title="Save the filter"
      close={close}
      foot={
        <>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button kind="primary" changes disabled={!name} busy="Saving…" onClick={save}>
            Save
          </Button>
        </>
      }
    >
      <p>
        <code>{filter}</code> is kept on the server for {topic}.
      </p>
      <label class="form-row">
        <span class="lab">Name</span>
        <input type="text" data-first value={name} onInput={e => setName(e.currentTarget.value)} onKeyDown={e => e.key === 'Enter' && name && void save()} />
      </label>
      {error ? <ErrorLine error={error} /> : null}
    </Dialog>
  );
}

/* The character that is wrong in the filter, marked below it. */
function FilterError({ filter, found }: { filter: string; found: Found }) {
  const error = found.error;
  if (!error || error.field !== 'filter') return null;
  const at = error.position ?? filter.length;
  return (
    <p class="error-line" role="alert">
      <span>
        <code class="marked">
          {filter.slice(0, at)}
          <mark>{filter.slice(at, at + 1) || ' '}</mark>
          {filter.slice(at + 1)}
        </code>{' '}
        <b>{error.what}</b> {error.todo}
      </span>
    </p>
  );
}

function NothingFound({ name, asked, found, topic, search }: { name: string; asked: Asked; found: Found; topic: Topic | null; search: { more: () => void } }) {
  const scanned = found.progress?.scanned ?? found.done?.scanned ?? 0, total = found.progress?.total ?? topic?.topic.messages ?? 0;
  if (!asked.filter && !asked.key && (topic?.topic.messages ?? 0) === 0)
    return (
      <Empty icon="topics" title="No messages yet" small command={`kafka-console-producer ${bootstrap()} --topic ${name}`}>
        They appear here as soon as they are written; “Live” shows them as they come.
      </Empty>
    );
  if (!asked.filter && !asked.key)
    return (
      <Empty icon="topics" title="No messages from there on" small actions={<Button onClick={() => setQuery({ from: null, at: null, part: null })}>Show the newest</Button>}>
        {f.plural(total, 'message')} are in the topic; none is at or after this place.
      </Empty>
    );
  return (
    <Empty
      icon="search"
      title={`Nothing in the ${asked.from === 'newest' ? 'newest' : 'first'} ${f.plural(scanned, 'message')}`}
      small
      actions={
        <>
          {found.done && found.done.why !== 'end' ? (
            <Button kind="primary" onClick={search.more}>
              Search on
            </Button>
          ) : null}
          <Button onClick={() => setQuery({ filter: null, key: null })}>Clear the filter</Button>
        </>
      }
    >
      {asked.filter ? `The filter ${asked.filter} matched none of them. ` : `No message has the key ${asked.key}. `}
      {total ? `That is ${f.percent(scanned / total)} of the topic; ` : ''}
      {found.done?.why === 'budget' ? 'the search stopped after 10 s.' : 'the search has ended.'}
    </Empty>
  );
}

function useSearch(name: string, asked: Asked) {
  const [found, setFound] = useState<Found>(NOTHING), search = useRef<Search | null>(null), [frozen, setFrozen] = useState(false);
  const key = JSON.stringify(asked), [round, setRound] = useState(0), own = useStore(written);
  useEffect(() => {
    if (asked.from === 'time' && f.parseTime(asked.at) === null) return;
    if (asked.from === 'offset' && !/^[\d,]+$/.test(asked.at)) return;
    setFrozen(false);
    search.current = new Search(name, asked, setFound);
    return () => search.current?.close();
  }, [name, key, round, own]);
  /* Broken off, not stopped: it starts anew, because what came meanwhile would be missing in between. */
  useBack(() => asked.from === 'live' && !found.running && found.done?.why !== 'stopped' && setRound(r => r + 1));
  const freeze = (on: boolean) => {
    setFrozen(on);
    search.current?.freeze(on);
  };
  return {
    found,
    frozen,
    freeze,
    stop: () => search.current?.stop(),
    again: () => setRound(r => r + 1),
    more: () => {
      const { done } = found;
      search.current?.close();
      if (done?.cursor) search.current = new Search(name, asked, setFound, found, done.cursor);
      else setRound(r => r + 1);
    }
  };
}

export function Messages({ name, answer, head }: { name: string; answer: Answer<Topic>; head: (topic: Topic) => ComponentChildren }) {
  const { query: q } = useStore(route), asked = askedFrom(q), search = useSearch(name, asked), { found } = search;
  const as = (q.get('as') ?? 'rows') as As, openAt = q.get('o') === null ? null : { partition: Number(q.get('p') ?? 0), offset: Number(q.get('o')) };
  const [filter, setFilter] = useState(asked.filter), [start, setStart] = useState(asked.at), [from, setFrom] = useState<From>(asked.from), [options, setOptions] = useState(false), [saved, setSaved] = useState<Filter[]>([]);
  const shownFilter = useRef(asked.filter);
  useEffect(() => {
    /* Only when the address changed: what was typed before this first ran stays. */
    if (shownFilter.current !== asked.filter) setFilter((shownFilter.current = asked.filter));
  }, [asked.filter]);
  useEffect(() => {
    setFrom(asked.from);
    setStart(asked.at);
  }, [asked.from, asked.at]);
  const loadSaved = () => void get<{ items: Filter[] }>('/filters').then(list => setSaved(list.items.filter(i => i.topic === name)), () => undefined);
  useEffect(loadSaved, [name]);

  const names = useMemo(() => columnsOf(found.messages), [found.messages]);
  const chosen = q.get('cols')?.split(',') ?? null;
  const shownNames = chosen ? names.filter(n => chosen.includes(n.name)) : names.slice(0, COLUMNS_SHOWN);
  const rows = as === 'rows' && names.length > 0;
  const columns = useMemo(() => (rows ? rowColumns(shownNames) : textColumns(as)), [rows, as, shownNames.map(n => n.name).join()]);
  const opened = openAt ? (found.messages.find(m => m.partition === openAt.partition && m.offset === openAt.offset) ?? null) : null;
  const show = (m: Message) => setQuery({ p: String(m.partition), o: String(m.offset) });
  const close = () => setQuery({ p: null, o: null });
  const run = () => {
    const same = filter === asked.filter && from === asked.from && start === asked.at;
    if (same) search.again();
    else setQuery({ filter, from: from === 'newest' ? null : from, at: from === 'time' || from === 'offset' ? start : null });
  };
  useKeys({
    Space: () => (asked.from === 'live' ? search.freeze(!search.frozen) : false),
    j: () => step(1),
    k: () => step(-1)
  });
  /* With the drawer open, j and k also open what they reach. */
  function step(by: number): boolean | void {
    if (!openAt || !found.messages.length) return false;
    const here = found.messages.findIndex(m => place(m) === place(openAt)), next = found.messages[Math.max(0, Math.min(found.messages.length - 1, here + by))];
    if (next) {
      show(next);
      document.querySelectorAll<HTMLElement>('main [data-row]')[found.messages.indexOf(next)]?.scrollIntoView({ block: 'nearest' });
    }
  }
  useEffect(() => {
    if (asked.from !== 'live') return;
    const scrolled = () => search.freeze(scrollY > 400);
    addEventListener('scroll', scrolled, { passive: true });
    return () => removeEventListener('scroll', scrolled);
  }, [asked.from]);

  /* Nothing was there, and now there is: looks again, once for each count. */
  const count = answer.data?.topic.messages ?? 0, looked = useRef(0);
  useEffect(() => {
    if (count === looked.current || !found.done || found.messages.length || asked.filter || asked.key) return;
    looked.current = count;
    search.again();
  }, [count, found.done]);

  const topic = answer.data, badTime = from === 'time' && start !== '' && f.parseTime(start) === null;
  return (
    <div class={'page with-side' + (openAt ? ' drawer-open' : ' no-drawer')}>
      <div class="side-main">
        <Shown answer={answer}>{head}</Shown>
        <div class={'bar start' + (options ? ' all' : '')}>
          <Segments<From>
            label="Start at"
            items={STARTS}
            value={from}
            onPick={value => {
              setFrom(value);
              if (value === 'time' || value === 'offset') setStart('');
              else setQuery({ from: value === 'newest' ? null : value, at: null });
            }}
          />
          {from === 'time' || from === 'offset' ? (
            <label class={'field' + (badTime ? ' wrong' : '')}>
              <input
                class="start-at mono"
                type="text"
                aria-label={from === 'time' ? `Time, ${f.zoneName()}` : 'Offset'}
                placeholder={from === 'time' ? '14:20 or 2026-10-06 14:20' : '32100611'}
                value={start}
                spellcheck={false}
                onInput={e => setStart(e.currentTarget.value)}
                onKeyDown={e => e.key === 'Enter' && run()}
              />
              {from === 'time' ? <span>{f.zoneName()}</span> : null}
            </label>
          ) : null}
          <select class="optional" aria-label="Partition" value={asked.part} onChange={e => setQuery({ part: e.currentTarget.value })}>
            <option value="">All partitions</option>
            {topic?.partitions.map(p => (
              <option value={String(p.partition)} key={p.partition}>
                {p.partition}
              </option>
            ))}
          </select>
          <label class="field optional">
            <span>Key</span>
            <input class="short" type="text" placeholder="any" aria-label="Key" value={asked.key} spellcheck={false} onChange={e => setQuery({ key: e.currentTarget.value })} />
          </label>
          <span class="push optional" />
          <span class="optional">
            <Segments<As>
              label="Show as"
              items={[
                ['rows', 'Rows'],
                ['json', 'JSON'],
                ['bytes', 'Bytes']
              ]}
              value={as}
              onPick={v => setQuery({ as: v === 'rows' ? null : v })}
            />
          </span>
          <Button class="options" expanded={options} onClick={() => setOptions(!options)}>
            Options
          </Button>
        </div>
        <form
          class="bar"
          onSubmit={event => {
            event.preventDefault();
            run();
          }}
        >
          <label class={'field grow' + (found.error?.field === 'filter' ? ' wrong' : '')}>
            <Icon name="filter" />
            <input class="mono" type="text" data-filter aria-label="Filter" placeholder="amount > 3000 and op = update, or a word" spellcheck={false} autocomplete="off" list="saved-filters" value={filter} onInput={e => setFilter(e.currentTarget.value)} />
            <datalist id="saved-filters">
              {saved.map(s => (
                <option value={s.filter} key={s.id}>
                  {s.name}
                </option>
              ))}
            </datalist>
            <kbd aria-hidden="true">/</kbd>
          </label>
          <span class="optional">
            <Button changes disabled={!filter} onClick={() => openDialog(done => <SaveFilter topic={name} filter={filter} close={done} done={loadSaved} />)}>
              Save
            </Button>
          </span>
          <Button kind="primary" type="submit">
            Search
          </Button>
        </form>
        <FilterError filter={asked.filter} found={found} />
        <Progress found={found} asked={asked} onStop={search.stop} onMore={search.more}>
          {rows && names.length > 1 ? <ChooseColumns names={names} shown={shownNames} /> : null}
          {asked.filter || asked.key ? (
            <Menu
              title="What was found"
              small
              items={[
                { text: `Reproduce ${f.plural(found.messages.length, 'message')}…`, changes: true, run: () => openReproduce(name, found.messages) },
                { text: 'Export…', run: () => openExport(name, asked) }
              ]}
            />
          ) : null}
        </Progress>
        {found.error && found.error.field !== 'filter' ? <Failure error={found.error} again={search.again} /> : null}
        {found.messages.length ? (
          <section class="panel">
            <Table columns={columns} items={found.messages} label="Messages" class="dense messages" keyOf={place} onOpen={show} selected={m => openAt !== null && place(m) === place(openAt)} />
          </section>
        ) : found.running || (!found.done && !found.error) ? null : found.error ? null : (
          <section class="panel">
            <NothingFound name={name} asked={asked} found={found} topic={topic} search={search} />
          </section>
        )}
      </div>
      {openAt ? <MessageDrawer topic={name} partition={openAt.partition} offset={openAt.offset} known={opened} close={close} onReproduce={m => openReproduce(name, [m])} /> : null}
    </div>
  );
}

function ChooseColumns({ names, shown }: { names: RowColumnName[]; shown: RowColumnName[] }) {
  return (
    <details class="choose">
      <summary>{shown.length === names.length ? `${names.length} columns` : `${shown.length} of ${names.length} columns`}</summary>
      <div>
        {names.map(n => (
          <label key={n.name}>
            <input
              type="checkbox"
              checked={shown.some(s => s.name === n.name)}
              onChange={e => {
                const next = e.currentTarget.checked ? [...shown.map(s => s.name), n.name] : shown.map(s => s.name).filter(s => s !== n.name);
                setQuery({ cols: next.length && next.length < names.length ? next.join(',') : null });
              }}
            />
            {n.name} <small>{n.type}</small>
          </label>
        ))}
      </div>
    </details>
  );
}
export const messageLink = (topic: string, p: number, o: number) => `/topics/${encodeURIComponent(topic)}` + query({ p, o });
