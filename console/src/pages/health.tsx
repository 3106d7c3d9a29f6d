/* health.tsx: the program itself: checks, listeners, threads, disk, memory, events, changes and the log. */
import { useEffect, useState } from 'preact/hooks';
import { asError, BASE, get, query } from '../lib/api';
import * as f from '../lib/format';
import { useAnswer } from '../lib/hooks';
import type { BundleList, ErrorBody, EventLine, Health } from '../lib/types';
import { Button, Head, Meter, Panel, Segments, When } from '../parts/basic';
import { Dialog, ErrorLine, openDialog } from '../parts/dialog';
import { useCrumbs } from '../parts/frame';
import { LogView } from '../parts/log-view';
import { Shown } from '../parts/states';
import { Status } from '../parts/status';
import { Table } from '../parts/table';
import { Events } from './overview';

function Bundle({ close }: { close: () => void }) {
  const answer = useAnswer<BundleList>('/bundle?dry_run=1');
  return (
    <Dialog
      title="Support bundle"
      close={close}
      foot={
        <>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <a class="btn primary" href={BASE + '/bundle'} download="tailrace-bundle.zip" onClick={() => setTimeout(close, 0)}>
            Download
          </a>
        </>
      }
    >
      <p>What is in it. No row values; secrets are taken out before it is packed.</p>
      <Shown answer={answer} rows={4}>
        {list => (
          <Table
            label="Contents"
            items={list.files}
            keyOf={x => x.name}
            columns={[
              { name: 'File', cell: x => <code>{x.name}</code> },
              { name: 'Size', align: 'num', cell: x => f.bytes(x.bytes) },
              { name: 'Taken out', label: true, cell: x => x.removed ?? 'nothing' }
            ]}
          />
        )}
      </Shown>
    </Dialog>
  );
}

function Bars({ list, total, label }: { list: [string, number][]; total: number; label: string }) {
  return (
    <ul class="bars" aria-label={label}>
      {list.map(([name, bytes]) => (
        <li key={name}>
          <span title={name}>{name}</span>
          <b class="num">{f.bytes(bytes)}</b>
          <Meter share={total ? bytes / total : 0} label={name} />
        </li>
      ))}
    </ul>
  );
}

type Kind = 'event' | 'change';

function AllEvents() {
  const [kind, setKind] = useState<Kind>('event'), [items, setItems] = useState<EventLine[] | null>(null), [error, setError] = useState<ErrorBody | null>(null), [end, setEnd] = useState(false);
  const load = async (before: number | null) => {
    try {
      const list = await get<{ items: EventLine[] }>('/events' + query({ kind, before_ms: before, limit: 100 }));
      setItems(old => [...(before === null ? [] : (old ?? [])), ...list.items]);
      setEnd(list.items.length < 100);
      setError(null);
    } catch (e) {
      setError(asError(e));
    }
  };
  useEffect(() => {
    setItems(null);
    void load(null);
  }, [kind]);
  return (
    <Panel
      title="What happened"
      extra={
        <Segments<Kind>
          label="Kind"
          items={[
            ['event', 'Events'],
            ['change', 'Changes by people']
          ]}
          value={kind}
          onPick={setKind}
        />
      }
    >
      <div id="events">
        {error ? <ErrorLine error={error} /> : null}
        {items === null ? null : items.length === 0 ? (
          <p class="pad-line">{kind === 'change' ? 'Nobody has changed anything yet.' : 'Nothing yet.'}</p>
        ) : kind === 'event' ? (
          <Events items={items} />
        ) : (
          <Table
            label="Changes"
            items={items}
            keyOf={(e, i) => e.at_ms + '' + i}
            columns={[
              { name: 'At', cell: e => <When at={e.at_ms} /> },
              { name: 'Who', label: true, cell: e => e.by ?? f.DASH },
              { name: 'What', class: 'wrap', cell: e => <><b>{e.subject}</b> {e.text}</> },
              { name: 'Old', label: true, class: 'wrap', cell: e => e.old ?? '' },
              { name: 'New', label: true, class: 'wrap', cell: e => e.new ?? '' }
            ]}
          />
        )}
        {items?.length && !end ? (
          <footer class="panel-foot">
            <Button kind="small" onClick={() => load(items[items.length - 1]!.at_ms)}>
              Older
            </Button>
          </footer>
        ) : null}
      </div>
    </Panel>
  );
}

export function HealthPage(_: { rest: string[] }) {
  useCrumbs([['Health']]);
  const answer = useAnswer<Health>('/health');
  useEffect(() => {
    const timer = setInterval(() => document.hidden || void answer.reload(), 5000);
    return () => clearInterval(timer);
  }, [answer.reload]);
  useEffect(() => {
    if (answer.data && location.hash === '#events') document.getElementById('events')?.scrollIntoView();
  }, [answer.data !== null]);
  return (
    <div class="page">
      <Head title="Health" sub="The program itself: what serves, what waits, and what it holds.">
        <a class="btn" href="/metrics" target="_blank" rel="noreferrer">
          Metrics
        </a>
        <Button icon="download" onClick={() => openDialog(close => <Bundle close={close} />)}>
          Support bundle…
        </Button>
      </Head>
      <Shown answer={answer} panel rows={8}>
        {h => (
          <>
            <Panel title="Checks" extra="the same as /healthz and /readyz">
              <Table
                label="Checks"
                items={h.checks}
                keyOf={c => c.name}
                columns={[
                  { name: 'Check', cell: c => <b>{c.name}</b> },
                  { name: 'State', class: 'wrap', cell: c => <Status state={c.state}>{c.text}</Status> },
                  { name: 'Do', class: 'wrap', cell: c => c.todo ?? '' }
                ]}
              />
            </Panel>
            <div class="cols-2 even">
              <div class="stack">
              <Panel title="Listeners">
                <Table
                  label="Listeners"
                  items={h.listeners}
                  keyOf={l => l.address}
                  columns={[
                    { name: 'Name', cell: l => <b>{l.name}</b> },
                    { name: 'Address', label: true, cell: l => <code>{l.address}</code> },
                    { name: 'Clients', align: 'num', cell: l => f.int(l.clients) },
                    { name: 'Note', cell: l => l.note ?? '' }
                  ]}
                />
              </Panel>
              <Panel title="Memory" extra={<span class="num">{f.bytes(h.memory.total_bytes)}</span>}>
                <Bars label="Memory by part" total={h.memory.total_bytes ?? 0} list={h.memory.parts.map(p => [p.part, p.bytes])} />
              </Panel>
              <Panel title="Disk" extra={<code>{h.disk.path}</code>}>
                <p class="pad-line num">
                  {f.bytes(h.disk.used_bytes)} used here, {f.bytes(h.disk.free_bytes)}{h.disk.total_bytes === null ? '' : ` of ${f.bytes(h.disk.total_bytes)}`} free.
                </p>
                <Bars label="Disk by topic, the largest" total={h.disk.used_bytes ?? 0} list={[...h.disk.topics].sort((x, y) => y.bytes - x.bytes).slice(0, 12).map(t => [t.topic, t.bytes])} />
              </Panel>
              </div>
              {h.threads.length ? <Panel title="Threads">
                <Table
                  label="Threads"
                  items={h.threads}
                  keyOf={t => t.name}
                  columns={[
                    { name: 'Thread', cell: t => <code>{t.name}</code> },
                    { name: 'CPU', align: 'num', cell: t => (t.cpu_cores === null ? f.DASH : t.cpu_cores.toFixed(2) + f.GAP + 'core') },
                    { name: 'Waiting', align: 'num', cell: t => (t.mailbox === null ? f.DASH : `${f.int(t.mailbox)}${t.mailbox_max === null ? '' : ` of ${f.int(t.mailbox_max)}`}`) }
                  ]}
                />
              </Panel> : null}
            </div>
          </>
        )}
      </Shown>
      <AllEvents />
      <Panel title="Log">
        <LogView path="/logs" />
      </Panel>
    </div>
  );
}
