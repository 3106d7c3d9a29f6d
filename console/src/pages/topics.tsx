/* topics.tsx: all topics, and the form that creates one. */
import { useEffect, useState } from 'preact/hooks';
import { asError, bootstrap, change } from '../lib/api';
import * as f from '../lib/format';
import { useDelayed } from '../lib/hooks';
import { go, route, setQuery } from '../lib/router';
import { useStore } from '../lib/store';
import type { Effect, ErrorBody, TopicItem, TopicKind } from '../lib/types';
import { Button, Field, Head, Segments, When } from '../parts/basic';
import { Dialog, ErrorLine, openDialog } from '../parts/dialog';
import { useCrumbs } from '../parts/frame';
import { FilterField, ServerList, sortFrom } from '../parts/server-list';
import { Empty } from '../parts/states';
import type { Column } from '../parts/table';
import { say } from '../parts/toast';
import { TopicPage } from './topic';

const COLUMNS: Column<TopicItem>[] = [
  {
    name: 'Topic',
    sort: 'name',
    cell: t => (
      <span class="name">
        <a href={'/topics/' + encodeURIComponent(t.name)}>{t.name}</a>
        {t.kind !== 'plain' ? <span class="tag">{t.kind}</span> : null}
      </span>
    )
  },
  { name: 'Partitions', align: 'num', sort: 'partitions', cell: t => f.int(t.partitions) },
  { name: 'Messages', align: 'num', sort: 'messages', cell: t => f.int(t.messages) },
  { name: 'Size', align: 'num', sort: 'bytes', cell: t => f.bytes(t.bytes) },
  { name: 'In', align: 'num', sort: 'in_per_s', cell: t => <span class={t.in_per_s ? '' : 'is-idle'}>{f.rate(t.in_per_s)}</span> },
  { name: 'Consumers', align: 'num', sort: 'readers', cell: t => (t.readers === 0 && t.kind !== 'internal' ? <span class="is-idle">none</span> : f.int(t.readers)) },
  { name: 'Kept', label: true, sort: 'kept_ms', cell: t => f.kept(t.kept_ms, t.policy) },
  { name: 'Last message', align: 'num', sort: 'last_ms', cell: t => <When at={t.last_ms} relative label="never" /> }
];

const KINDS = [
  ['', 'All'],
  ['table', 'Tables'],
  ['plain', 'Plain'],
  ['alerts', 'Alerts'],
  ['internal', 'Internal']
] as ['' | TopicKind, string][];

const KEPT: [string, string][] = [
  ['604800000', '7 d'],
  ['86400000', '1 d'],
  ['2592000000', '30 d'],
  ['7776000000', '90 d'],
  ['-1', 'for ever'],
  ['compact', 'compact: the last message of each key']
];

function CreateDialog({ close }: { close: () => void }) {
  const [name, setName] = useState(''), [partitions, setPartitions] = useState('1'), [kept, setKept] = useState('604800000'), [more, setMore] = useState('');
  const [error, setError] = useState<ErrorBody | null>(null), [effect, setEffect] = useState<string | null>(null);
  const config: Record<string, string> = kept === 'compact' ? { 'cleanup.policy': 'compact' } : { 'retention.ms': kept };
  for (const line of more.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) config[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  const body = { name, partitions: Number(partitions), config };
  const asked = useDelayed(name, 250);
  useEffect(() => {
    let alive = true;
    setEffect(null);
    if (asked)
      change<Effect>('POST', '/topics', { ...body, name: asked, dry_run: true }).then(
        answer => alive && (setEffect(answer?.effect ?? null), setError(null)),
        e => alive && setError(asError(e))
      );
    return () => void (alive = false);
  }, [asked]);
  const command = `kafka-topics ${bootstrap()} --create --topic ${name || 'NAME'} --partitions ${partitions}` + Object.entries(config).map(([k, v]) => ` --config ${k}=${v}`).join('');
  const create = async () => {
    try {
      await change('POST', '/topics', body);
      close();
      say(`Topic ${name} is made`);
      go('/topics/' + encodeURIComponent(name));
    } catch (e) {
      setError(asError(e));
    }
  };
  return (
    <Dialog
      title="Create a topic"
      close={close}
      foot={
        <>
          <Button icon="copy" kind="quiet" onClick={() => void navigator.clipboard?.writeText(command).then(() => say('Copied'), () => undefined)}>
            Copy as command
          </Button>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button kind="primary" changes busy="Creating…" disabled={!name || error?.field === 'name'} onClick={create}>
            Create
          </Button>
        </>
      }
    >
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          if (name) void create();
        }}
      >
        <Field label="Name" note={effect} error={error?.field === 'name' ? `${error.what} ${error.todo ?? ''}` : null}>
          <input class="mono" type="text" data-first spellcheck={false} autocomplete="off" value={name} onInput={e => setName(e.currentTarget.value)} />
        </Field>
        <div class="form-2">
          <Field label="Partitions" note="more can be added later, fewer cannot">
            <input type="number" min="1" max="10000" value={partitions} onInput={e => setPartitions(e.currentTarget.value)} />
          </Field>
          <Field label="Kept for">
            <select value={kept} onChange={e => setKept(e.currentTarget.value)}>
              {KEPT.map(([value, text]) => (
                <option value={value} key={value}>
                  {text}
                </option>
              ))}
            </select>
          </Field>
        </div>
        <details>
          <summary>More settings</summary>
          <Field label="One a line, as name=value" note="for example max.message.bytes=10485760">
            <textarea class="mono" rows={4} spellcheck={false} value={more} onInput={e => setMore(e.currentTarget.value)} />
          </Field>
        </details>
        {error && error.field !== 'name' ? <ErrorLine error={error} /> : null}
        <button type="submit" hidden /> {/* without one, Enter in a field sends nothing */}
      </form>
    </Dialog>
  );
}
const create = () => openDialog(close => <CreateDialog close={close} />);

function TopicList() {
  useCrumbs([['Topics']]);
  const { query } = useStore(route), kind = (query.get('kind') ?? '') as '' | TopicKind, q = query.get('q');
  const [total, setTotal] = useState<number | null>(null);
  useEffect(() => {
    if (query.get('create')) {
      setQuery({ create: null });
      create();
    }
  }, [query.get('create')]);
  return (
    <div class="page">
      <Head title="Topics" sub={total === null ? ' ' : q || kind ? `${f.plural(total, 'topic')} found` : f.plural(total, 'topic')}>
        <Button kind="primary" icon="plus" changes onClick={create}>
          Create topic
        </Button>
      </Head>
      <div class="bar">
        <FilterField label="Name contains" value={q ?? ''} onChange={text => setQuery({ q: text })} />
        <Segments label="Kind" items={KINDS} value={kind} onPick={k => setQuery({ kind: k })} />
      </div>
      <ServerList
        path="/topics"
        params={{ q, kind: kind || null }}
        revision="topics"
        columns={COLUMNS}
        label="Topics"
        keyOf={t => t.name}
        {...(sortFrom(query) ? { sort: sortFrom(query)! } : {})}
        onSort={s => setQuery({ sort: s.by, dir: s.dir })}
        open={t => '/topics/' + encodeURIComponent(t.name)}
        onTotal={setTotal}
        empty={
          <Empty
            icon="topics"
            title="No topics yet"
            command={`kafka-topics ${bootstrap()} --create --topic NAME`}
            actions={
              <>
                <Button kind="primary" href="/connectors/new">
                  Create a connector
                </Button>
                <Button changes onClick={create}>
                  Create a topic
                </Button>
              </>
            }
          >
            A topic appears when a connector captures its first row, or when a client produces to it.
          </Empty>
        }
        nothing={
          <Empty icon="search" title="No topic is called that" small actions={<Button onClick={() => setQuery({ q: null, kind: null })}>Clear the filter</Button>}>
            Names were searched for {q ? `“${q}”` : 'this kind'}, in upper and lower case.
          </Empty>
        }
      />
    </div>
  );
}

export function Topics({ rest }: { rest: string[] }) {
  return rest[0] === undefined ? <TopicList /> : <TopicPage name={rest[0]} tab={rest[1] ?? 'messages'} key={rest[0]} />;
}
