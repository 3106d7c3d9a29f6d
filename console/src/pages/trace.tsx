/* trace.tsx: one row, from its commit to everything that came of it. */
import { useLayoutEffect, useState } from 'preact/hooks';
import { query } from '../lib/api';
import * as f from '../lib/format';
import { useAnswer } from '../lib/hooks';
import { go, route } from '../lib/router';
import { useStore } from '../lib/store';
import type { List, TopicItem, Trace, TraceChange, TraceWait } from '../lib/types';
import { Button, Dots, Head, Panel } from '../parts/basic';
import { useCrumbs } from '../parts/frame';
import { Icon } from '../parts/icon';
import { Empty, Shown } from '../parts/states';
import { opWord, Status } from '../parts/status';
import { Table } from '../parts/table';
import { Waterfall } from '../parts/waterfall';

/* What was typed: an LSN, a transaction, a message, an alert, or a key. */
function meaning(text: string, table: string): Record<string, string> | null {
  const q = text.trim();
  if (!q) return null;
  if (/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i.test(q)) return { lsn: q.toUpperCase() };
  const xid = /^xid\s*[:=]?\s*(\d+)$/i.exec(q);
  if (xid) return { xid: xid[1]! };
  if (/^A-[0-9a-f]{16}$/.test(q)) return { alert: q };
  const message = /^(\S+):(\d+):(\d+)$/.exec(q);
  if (message) return { topic: message[1]!, p: message[2]!, o: message[3]! };
  return { key: q, ...(table ? { table } : {}) };
}
function typed(q: URLSearchParams): string {
  return q.get('lsn') ?? q.get('alert') ?? (q.get('xid') ? `xid ${q.get('xid')}` : q.get('o') ? `${q.get('topic') ?? ''}:${q.get('p') ?? 0}:${q.get('o')}` : (q.get('key') ?? ''));
}

function Waits({ waits }: { waits: TraceWait[] }) {
  return waits.length ? (
    <Panel title="Where it waits">
      <Table
        label="Where it waits"
        items={waits}
        keyOf={w => w.step + (w.who ?? w.connector)}
        columns={[
          { name: 'Until it is', cell: w => <Status state={w.state}>{w.state === 'ok' ? 'nowhere' : w.step}</Status> },
          { name: 'Why', class: 'wrap', cell: w => w.why },
          { name: 'Do', class: 'wrap', cell: w => w.todo }
        ]}
      />
    </Panel>
  ) : null;
}

function Change({ c }: { c: TraceChange }) {
  const word = opWord(c.op), own = c.hops.findLastIndex(h => h.step === 'alerted'), waits = c.waits.filter(w => w.step === 'read');
  const micro = c.commit_us === null ? '' : String(c.commit_us % 1000).padStart(3, '0');
  return (
    <>
      <Panel title={`${word.charAt(0).toUpperCase() + word.slice(1)}${c.commit_us === null ? '' : `, ${f.time(Math.floor(c.commit_us / 1000), true)} ${micro}`}`} extra={c.to_alert_us ? <span class="num strong">{f.micros(c.to_alert_us)} to the alert</span> : null}>
        <Waterfall hops={c.hops} own={own} />
        <p class="foot">
          <Dots>
            {c.topic && c.offset !== null ? <a href={`/topics/${encodeURIComponent(c.topic)}` + query({ p: c.partition ?? 0, o: c.offset })}>{`${c.topic}, partition ${c.partition}, offset ${f.int(c.offset)}`}</a> : null}
            {c.lsn ? <span>LSN <code>{c.lsn}</code></span> : null}
            {c.xid ? <a href={'/trace' + query({ xid: c.xid })}>{`transaction ${c.xid}`}</a> : null}
            {c.alerts.map(a => (
              <a key={a.id} href={'/alerts/' + a.id}>{`alert ${a.id}`}</a>
            ))}
            {c.traceparent ? <span>traceparent <code>{f.visible(c.traceparent)}</code></span> : null}
            {c.known_why}
          </Dots>
        </p>
      </Panel>
      <Waits waits={c.waits} />
      {c.readers.length ? (
        <Panel title="Who else read it" extra={waits.length ? `${f.plural(waits.length, 'reader')} not yet` : 'all of them'}>
          <Table
            label="Readers"
            items={c.readers}
            keyOf={r => r.reader}
            columns={[
              { name: 'Reader', cell: r => <b>{r.reader}</b> },
              { name: 'State', class: 'wrap', cell: r => <Status state={r.state}>{r.word}</Status> },
              { name: 'After the commit', align: 'num', cell: r => (r.after_us === null ? '' : f.micros(r.after_us)) }
            ]}
          />
        </Panel>
      ) : null}
    </>
  );
}

export function TracePage(_: { rest: string[] }) {
  useCrumbs([['Trace']]);
  const { query: q } = useStore(route), asked = typed(q) !== '';
  const tables = useAnswer<List<TopicItem>>('/topics?kind=table&limit=500'), answer = useAnswer<Trace>(asked ? '/trace?' + q.toString() : null);
  const [text, setText] = useState(typed(q)), [table, setTable] = useState(q.get('table') ?? '');
  useLayoutEffect(() => {
    setText(typed(q));
    setTable(q.get('table') ?? '');
  }, [q]);
  return (
    <div class="page">
      <Head title="Trace one row" sub="From its commit in PostgreSQL to everything that came of it." />
      <form
        class="bar"
        onSubmit={event => {
          event.preventDefault();
          const values = meaning(text, table);
          if (!values) return;
          const to = '/trace' + query(values);
          if (to === location.pathname + location.search) void answer.reload();
          else go(to);
        }}
      >
        <select aria-label="Table" value={table} onChange={e => setTable(e.currentTarget.value)}>
          <option value="">Any table</option>
          {[...new Set([...(tables.data?.items ?? []).map(t => t.name), ...(table ? [table] : [])])].map(name => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <label class="field grow">
          <Icon name="search" />
          <input type="text" data-filter aria-label="Key, LSN, transaction or message" placeholder="id = 128402117, 2A/91F3C0E8, xid 91204417, topic:2:32100611, A-…" spellcheck={false} value={text} onInput={e => setText(e.currentTarget.value)} />
          <kbd aria-hidden="true">/</kbd>
        </label>
        <Button kind="primary" type="submit">
          Trace
        </Button>
      </form>
      {!asked ? (
        <section class="panel">
          <Empty icon="trace" title="Which row?" small command="tailrace trace public.transactions 42">
            By key of a table, by LSN such as 2A/91F3C0E8, by transaction as “xid 91204417”, by message as topic:partition:offset, or by alert.
          </Empty>
        </section>
      ) : (
        <Shown answer={answer} panel rows={8}>
          {data =>
            data.changes.length ? (
              <>
                <p class="sub num">
                  <Dots>
                    {`${f.plural(data.changes.length, 'change')}${data.more ? ', the newest' : ''}`}
                    {data.changes.slice(0, 6).map((c, i) => (
                      <span key={i}>{`${opWord(c.op)} ${c.commit_us === null ? '' : f.time(c.commit_us / 1000, true)}`}</span>
                    ))}
                    {data.note}
                  </Dots>
                </p>
                <Waits waits={data.waits} />
                {data.changes.map((c, i) => (
                  <Change key={i} c={c} />
                ))}
              </>
            ) : (
              <>
                <section class="panel">
                  <Empty icon="search" title="It is not in the log" small>
                    {`${f.plural(data.looked.records, 'message')} looked through${data.looked.back_to_ms === null ? '' : `, back to ${f.fullTime(data.looked.back_to_ms)}`}${data.looked.complete ? '' : '; there is more before it'}.`}
                  </Empty>
                </section>
                <Waits waits={data.waits} />
              </>
            )
          }
        </Shown>
      )}
    </div>
  );
}
