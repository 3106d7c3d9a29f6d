/* topic.tsx: one topic: its head, its parts, and what can be done with it as a whole. */
import { useState } from 'preact/hooks';
import { asError, at, bootstrap, change, query } from '../lib/api';
import * as f from '../lib/format';
import { useAgain, useAnswer, useLive } from '../lib/hooks';
import { go } from '../lib/router';
import { written } from '../lib/search';
import type { AgentItem, ConfigChange, ConfigEntry, Effect, ErrorBody, GroupItem, List, SchemaVersion, Topic, TopicPartition } from '../lib/types';
import { Button, Dots, Field, Head, Meter, Panel, Tabs, When } from '../parts/basic';
import { ask, Dialog, ErrorLine, openDialog } from '../parts/dialog';
import { useCrumbs } from '../parts/frame';
import { Menu } from '../parts/menu';
import { Empty, missing, Shown } from '../parts/states';
import { Status } from '../parts/status';
import { Table, type Column } from '../parts/table';
import { say } from '../parts/toast';
import { AgentTable } from './agents';
import { GroupTable } from './groups';
import { openProduce } from './produce';
import { openExport } from './topic-export';
import { Messages } from './topic-messages';

const BACK: [string, string] = ['/topics', 'Show the topics'];
const TITLES: Record<string, string> = { messages: 'Messages', partitions: 'Partitions', consumers: 'Consumers', configuration: 'Configuration', schema: 'Schema' };

function Partitions({ topic, reload }: { topic: Topic; reload: () => void }) {
  const all = topic.partitions.reduce((sum, p) => sum + p.bytes, 0);
  const columns: Column<TopicPartition>[] = [
    { name: 'Partition', align: 'num', cell: p => p.partition },
    { name: 'First offset', align: 'num', cell: p => f.int(p.first) },
    { name: 'End offset', align: 'num', cell: p => f.int(p.end) },
    { name: 'Messages', align: 'num', cell: p => f.int(p.messages) },
    { name: 'Size', align: 'num', cell: p => f.bytes(p.bytes) },
    { name: 'In', align: 'num', cell: p => f.rate(p.in_per_s) },
    {
      name: 'Share of the bytes',
      align: 'grow',
      cell: p => (
        <span class="with-meter">
          <Meter share={all ? p.bytes / all : 0} label={`Share of the bytes in partition ${p.partition}`} state={all && topic.partitions.length > 1 && p.bytes / all > 2 / topic.partitions.length ? 'warn' : 'ok'} />
          <small class="num">{f.percent(all ? p.bytes / all : 0)}</small>
        </span>
      )
    },
    { name: 'Segments', align: 'num', cell: p => f.int(p.segments) },
    { name: 'Last append', align: 'num', cell: p => <When at={p.last_ms} relative label="never" /> },
    { name: 'State', cell: p => <Status state={p.state}>{p.word}</Status> }
  ];
  const add = () => openDialog(close => <AddPartitions topic={topic} close={close} done={reload} />);
  return (
    <Panel
      title="Partitions"
      extra={
        <Button kind="small" icon="plus" changes onClick={add}>
          Add partitions…
        </Button>
      }
    >
      <Table columns={columns} items={topic.partitions} label="Partitions" keyOf={p => p.partition} open={p => at('topics', topic.topic.name) + query({ part: p.partition })} />
    </Panel>
  );
}

function AddPartitions({ topic, close, done }: { topic: Topic; close: () => void; done: () => void }) {
  const has = topic.partitions.length, [count, setCount] = useState(String(has + 1)), [error, setError] = useState<ErrorBody | null>(null), [effect, setEffect] = useState<string | null>(null);
  const path = at('topics', topic.topic.name, 'partitions'), wanted = Number(count), good = Number.isInteger(wanted) && wanted > has;
  return (
    <Dialog
      title={`Add partitions to ${topic.topic.name}`}
      close={close}
      foot={
        <>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button
            kind="primary"
            changes
            disabled={!good}
            busy="Adding…"
            onClick={async () => {
              try {
                if (effect === null) {
                  setEffect((await change<Effect>('POST', path, { count: wanted, dry_run: true }))?.effect ?? 'It cannot be taken back.');
                  return;
                }
                await change('POST', path, { count: wanted });
                close();
                say(`${topic.topic.name} has ${wanted} partitions`);
                done();
              } catch (e) {
                setError(asError(e));
              }
            }}
          >
            {effect === null ? 'Review' : 'Add'}
          </Button>
        </>
      }
    >
      <Field label="Partitions from then on" note={`It has ${has}. Their number can grow, never shrink.`}>
        <input type="number" data-first min={has + 1} value={count} onInput={e => (setCount(e.currentTarget.value), setEffect(null))} />
      </Field>
      <div aria-live="polite">{effect ? <p>{effect}</p> : null}</div>
      {error ? <ErrorLine error={error} /> : null}
    </Dialog>
  );
}

function Consumers({ name }: { name: string }) {
  const answer = useAnswer<List<GroupItem>>('/groups' + query({ topic: name, limit: 200 })), all = useAnswer<List<AgentItem>>('/agents?limit=500');
  useAgain(answer.reload);
  useAgain(all.reload);
  const agents = all.data?.items.filter(a => a.source === name) ?? [];
  return (
    <Shown answer={answer} panel>
      {list =>
        list.items.length || agents.length ? (
          <>
            {list.items.length ? (
              <Panel title="Groups">
                <GroupTable items={list.items} />
              </Panel>
            ) : null}
            {agents.length ? (
              <Panel title="Agents">
                <AgentTable items={agents} />
              </Panel>
            ) : null}
          </>
        ) : (
          <section class="panel">
            <Empty icon="groups" title="Nobody reads this topic" small command={`kafka-console-consumer ${bootstrap()} --topic ${name} --group NAME`}>
              A consumer group appears here with its first commit.
            </Empty>
          </section>
        )
      }
    </Shown>
  );
}

const shownValue = (name: string, value: string | null) => {
  if (value === null) return f.DASH;
  const n = Number(value);
  if (n >= 2 ** 63) return 'no limit';
  if (n === -1 && /^(local\.)?retention/.test(name)) return 'no limit';
  if (name.endsWith('.ms') && n >= 1000) return `${f.duration(n)} (${value})`;
  if (name.endsWith('.bytes') && n >= 1024) return `${f.bytes(n)} (${value})`;
  return value === '' ? 'empty' : value;
};

function Review({ name, set, unset, close, done }: { name: string; set: Record<string, string>; unset: string[]; close: () => void; done: () => void }) {
  const path = at('topics', name, 'config'), [changes, setChanges] = useState<ConfigChange[] | null>(null), [error, setError] = useState<ErrorBody | null>(null);
  useState(() => {
    change<{ changes: ConfigChange[] }>('PATCH', path, { set, unset, dry_run: true }).then(
      answer => setChanges(answer.changes),
      e => setError(asError(e))
    );
  });
  const command = `kafka-configs ${bootstrap()} --entity-type topics --entity-name ${name} --alter` + (Object.keys(set).length ? ' --add-config ' + Object.entries(set).map(([k, v]) => `${k}=${v}`).join(',') : '') + (unset.length ? ' --delete-config ' + unset.join(',') : '');
  return (
    <Dialog
      title="Review the changes"
      close={close}
      wide
      foot={
        <>
          <Button icon="copy" kind="quiet" onClick={() => void navigator.clipboard?.writeText(command).then(() => say('Copied'), () => undefined)}>
            Copy as command
          </Button>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button
            kind="primary"
            changes
            busy="Applying…"
            disabled={changes === null}
            onClick={async () => {
              try {
                await change('PATCH', path, { set, unset });
                close();
                say(`Settings of ${name} are changed`);
                done();
              } catch (e) {
                setError(asError(e));
              }
            }}
          >
            Apply
          </Button>
        </>
      }
    >
      {error ? <ErrorLine error={error} /> : null}
      {changes ? (
        <Table
          label="Changes"
          items={changes}
          columns={[
            { name: 'Setting', cell: c => <code>{c.name}</code> },
            { name: 'Now', label: true, cell: c => shownValue(c.name, c.old) },
            { name: 'Then', label: true, cell: c => <b>{c.new === null ? 'the default' : shownValue(c.name, c.new)}</b> },
            { name: 'Effect', cell: c => c.effect ?? '' }
          ]}
        />
      ) : null}
    </Dialog>
  );
}

function Configuration({ topic, reload }: { topic: Topic; reload: () => void }) {
  const [edits, setEdits] = useState<Record<string, string | null>>({}), names = Object.keys(edits);
  const name = topic.topic.name;
  const columns: Column<ConfigEntry>[] = [
    { name: 'Setting', cell: c => <code>{c.name}</code> },
    {
      name: 'Value',
      label: true,
      cell: c =>
        c.name in edits ? (
          edits[c.name] === null ? (
            <i>the default</i>
          ) : (
            <input class="mono" type="text" aria-label={c.name} value={edits[c.name]!} spellcheck={false} onInput={e => setEdits({ ...edits, [c.name]: e.currentTarget.value })} />
          )
        ) : (
          <b>{shownValue(c.name, c.value)}</b>
        )
    },
    { name: 'Comes from', cell: c => (c.source === 'topic' ? <span class="tag">this topic</span> : <span class="is-idle">{c.source}</span>) },
    { name: 'Meaning', class: 'wrap', cell: c => c.meaning },
    {
      name: 'Edit',
      cell: c =>
        c.read_only ? null : c.name in edits ? (
          <Button kind="small" onClick={() => setEdits(Object.fromEntries(Object.entries(edits).filter(([k]) => k !== c.name)))}>
            Undo
          </Button>
        ) : (
          <span class="row">
            <Button kind="small" changes onClick={() => setEdits({ ...edits, [c.name]: c.value ?? '' })}>
              Edit
            </Button>
            {c.source === 'topic' ? (
              <Button kind="small" changes title={`Back to the default, ${c.default ?? 'none'}`} onClick={() => setEdits({ ...edits, [c.name]: null })}>
                Reset
              </Button>
            ) : null}
          </span>
        )
    }
  ];
  const review = () => {
    const set: Record<string, string> = {};
    for (const [key, value] of Object.entries(edits)) if (value !== null) set[key] = value;
    const unset = names.filter(n => edits[n] === null);
    openDialog(close => (
      <Review
        name={name}
        set={set}
        unset={unset}
        close={close}
        done={() => {
          setEdits({});
          reload();
        }}
      />
    ));
  };
  return (
    <Panel label="Configuration">
      {/* What was set on this topic comes first. */}
      <Table columns={columns} items={[...topic.config].sort((a, b) => Number(b.source === 'topic') - Number(a.source === 'topic') || (a.name < b.name ? -1 : 1))} label="Configuration" keyOf={c => c.name} />
      {names.length ? (
        <footer class="panel-foot">
          <Button kind="primary" changes onClick={review}>
            {`Review ${f.plural(names.length, 'change')}`}
          </Button>
          <Button onClick={() => setEdits({})}>Forget them</Button>
        </footer>
      ) : null}
    </Panel>
  );
}

function Schema({ name }: { name: string }) {
  const answer = useAnswer<{ versions: SchemaVersion[] }>(at('topics', name, 'schema'));
  return (
    <Shown answer={answer} panel>
      {data =>
        data.versions.length ? (
          data.versions.map(v => (
            <Panel
              key={v.version}
              title={`Version ${v.version}`}
              extra={
                <span class="num">
                  {v.from_lsn ? (
                    <>
                      since LSN <code>{v.from_lsn}</code>,{' '}
                    </>
                  ) : null}
                  <When at={v.at_ms} />
                  {v.replica_identity ? `, replica identity ${v.replica_identity}` : ''}
                </span>
              }
            >
              <Table
                label={`Columns of version ${v.version}`}
                items={v.columns}
                keyOf={c => c.name}
                rowClass={c => (c.change ? 'row-changed' : '')}
                columns={[
                  { name: 'Column', cell: c => <b>{c.name}</b> },
                  { name: 'Type', label: true, cell: c => <code>{c.type}</code> },
                  { name: 'Key', cell: c => (c.key ? 'key' : '') },
                  { name: 'Against the version before', cell: c => (c.change ? <Status state="info">{c.change}</Status> : '') }
                ]}
              />
            </Panel>
          ))
        ) : (
          <section class="panel">
            <Empty icon="topics" title="No schema is known" small>
              Topics of captured tables have one; what clients produce has none.
            </Empty>
          </section>
        )
      }
    </Shown>
  );
}

function cloneTopic(topic: Topic): void {
  const config = Object.fromEntries(topic.config.filter(c => c.source === 'topic').map(c => [c.name, c.value ?? '']));
  openDialog(close => <Clone topic={topic} config={config} close={close} />);
}
function Clone({ topic, config, close }: { topic: Topic; config: Record<string, string>; close: () => void }) {
  const [name, setName] = useState(topic.topic.name + '.copy'), [error, setError] = useState<ErrorBody | null>(null);
  return (
    <Dialog
      title={`Clone ${topic.topic.name}`}
      close={close}
      foot={
        <>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button
            kind="primary"
            changes
            busy="Creating…"
            disabled={!name}
            onClick={async () => {
              try {
                await change('POST', '/topics', { name, partitions: topic.partitions.length, config });
                close();
                say(`Topic ${name} is made`);
                go(at('topics', name));
              } catch (e) {
                setError(asError(e));
              }
            }}
          >
            Create
          </Button>
        </>
      }
    >
      <p>
        The new topic gets {f.plural(topic.partitions.length, 'partition')} and {f.plural(Object.keys(config).length, 'setting')} of this one. Messages are not copied; “Reproduce” in the message browser does that.
      </p>
      <Field label="Name">
        <input class="mono" type="text" data-first spellcheck={false} value={name} onInput={e => setName(e.currentTarget.value)} />
      </Field>
      {error ? <ErrorLine error={error} /> : null}
    </Dialog>
  );
}

export function TopicPage({ name, tab }: { name: string; tab: string }) {
  useCrumbs([['Topics', '/topics'], [name]]);
  const answer = useLive(at('topics', name), 'topic:' + name, 'topic'), base = at('topics', name);
  const head = (topic: Topic) => {
    const t = topic.topic;
    return (
      <>
        <Head title={name}>
          <Button icon="plus" changes onClick={() => openProduce(name, topic.partitions.length)}>
            Produce…
          </Button>
          <Button onClick={() => openExport(name)}>Export…</Button>
          <Menu
            title="More: clone, empty, delete"
            items={[
              { text: 'Clone…', changes: true, run: () => cloneTopic(topic) },
              {
                text: 'Empty…',
                changes: true,
                danger: true,
                run: () =>
                  ask({
                    title: `Empty ${name}?`,
                    effect: async () => (await change<Effect>('POST', base + '/empty', { dry_run: true, confirm: name }))?.effect,
                    command: `kafka-delete-records ${bootstrap()} --offset-json-file offsets.json`,
                    name,
                    button: 'Empty',
                    busy: 'Emptying…',
                    run: () => change('POST', base + '/empty', { before: Object.fromEntries(topic.partitions.map(p => [p.partition, p.end])), confirm: name }),
                    done: `${name} is empty`,
                    then: () => {
                      written.set(written.get() + 1);
                      void answer.reload();
                    }
                  })
              },
              {
                text: 'Delete…',
                changes: true,
                danger: true,
                run: () =>
                  ask({
                    title: `Delete topic ${name}?`,
                    effect: async () => (await change<Effect>('DELETE', base, { dry_run: true, confirm: name }))?.effect,
                    command: `kafka-topics ${bootstrap()} --delete --topic ${name}`,
                    name,
                    button: 'Delete',
                    busy: 'Deleting…',
                    run: () => change('DELETE', base + query({ confirm: name }), { confirm: name }),
                    done: `Topic ${name} is deleted`,
                    then: () => go('/topics')
                  })
              }
            ]}
          />
        </Head>
        <p class="sub num">
          <Dots>
            {t.table ? `Table ${t.table}` : t.kind === 'plain' ? null : t.kind}
            {f.plural(topic.partitions.length, 'partition')}
            {`${f.int(t.messages)} messages`}
            {f.bytes(t.bytes)}
            {t.policy.includes('compact') && !t.policy.includes('delete') ? 'compacted' : 'kept ' + f.kept(t.kept_ms, t.policy)}
            {t.in_per_s ? <span class="is-ok">{f.rate(t.in_per_s)} in</span> : <span class="is-idle">nothing comes in</span>}
          </Dots>
        </p>
        <Tabs
          current={TITLES[tab] ?? 'Messages'}
          items={[
            ['Messages', base],
            ['Partitions', base + '/partitions', topic.partitions.length],
            ['Consumers', base + '/consumers', t.readers],
            ['Configuration', base + '/configuration'],
            ['Schema', base + '/schema', t.schema_version ? 'v' + t.schema_version : undefined]
          ]}
        />
      </>
    );
  };
  if (tab === 'messages' && missing(answer.error))
    return (
      <div class="page">
        <Shown answer={answer} back={BACK}>
          {() => null}
        </Shown>
      </div>
    );
  if (tab === 'messages') return <Messages name={name} answer={answer} head={head} />;
  return (
    <div class="page">
      <Shown answer={answer} back={BACK}>
        {topic => (
          <>
            {head(topic)}
            {tab === 'partitions' ? (
              <Partitions topic={topic} reload={answer.reload} />
            ) : tab === 'consumers' ? (
              <Consumers name={name} />
            ) : tab === 'configuration' ? (
              <Configuration topic={topic} reload={answer.reload} />
            ) : (
              <Schema name={name} />
            )}
          </>
        )}
      </Shown>
    </div>
  );
}
