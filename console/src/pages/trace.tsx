/* trace.tsx: one row, from its commit to everything that came of it. */
import { useEffect, useState } from 'preact/hooks';
import { query } from '../lib/api';
import * as f from '../lib/format';
import { useAnswer } from '../lib/hooks';
import { go, route } from '../lib/router';
import { useStore } from '../lib/store';
import type { List, TopicItem, Trace, TraceChange } from '../lib/types';
import { Button, Dots, Head, Panel } from '../parts/basic';
import { useCrumbs } from '../parts/frame';
import { Icon } from '../parts/icon';
import { Empty, Shown } from '../parts/states';
import { opWord, Status } from '../parts/status';
import { Table } from '../parts/table';
import { Waterfall } from '../parts/waterfall';

const KNOWN: Record<Trace['known'], string> = {
  exact: 'Each time is this row’s own.',
  batch: 'Times of received to durable are those of the batch that the row was in.',
  partly: 'Of older rows only commit and append are kept; the rest is no longer known.'
};

/* What was typed: an LSN, a transaction, a message, or a key. */
function meaning(text: string, table: string): Record<string, string> | null {
  const q = text.trim();
  if (!q) return null;
  if (/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i.test(q)) return { lsn: q.toUpperCase() };
  const xid = /^xid\s*[:=]?\s*(\d+)$/i.exec(q);
  if (xid) return { xid: xid[1]! };
  const message = /^(\S+):(\d+):(\d+)$/.exec(q);
  if (message) return { topic: message[1]!, p: message[2]!, o: message[3]! };
  return { key: q, ...(table ? { table } : {}) };
}
function typed(q: URLSearchParams): string {
  return q.get('lsn') ?? (q.get('xid') ? `xid ${q.get('xid')}` : q.get('o') ? `${q.get('topic') ?? ''}:${q.get('p') ?? 0}:${q.get('o')}` : (q.get('key') ?? ''));
}

function Change({ c, known }: { c: TraceChange; known: Trace['known'] }) {
  const word = opWord(c.op), own = c.hops.findLastIndex(h => /alert/i.test(h.step) && !h.later), waits = c.readers.filter(r => r.after_us === null);
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
            {KNOWN[known]}
          </Dots>
        </p>
      </Panel>
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
  useEffect(() => {
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
          <input type="text" data-filter aria-label="Key, LSN, transaction or message" placeholder="id = 128402117, 2A/91F3C0E8, xid 91204417, topic:2:32100611" spellcheck={false} value={text} onInput={e => setText(e.currentTarget.value)} />
          <kbd aria-hidden="true">/</kbd>
        </label>
        <Button kind="primary" type="submit">
          Trace
        </Button>
      </form>
      {!asked ? (
        <section class="panel">
          <Empty icon="trace" title="Which row?" small command="tailrace trace --table public.transactions --key 42">
            By key of a table, by LSN such as 2A/91F3C0E8, by transaction as “xid 91204417”, or by message as topic:partition:offset.
          </Empty>
        </section>
      ) : (
        <Shown answer={answer} panel rows={8}>
          {data =>
            data.changes.length ? (
              <>
                <p class="sub num">
                  <Dots>
                    {`${f.plural(data.changes.length, 'change')} of this row in the log`}
                    {data.changes.slice(0, 6).map((c, i) => (
                      <span key={i}>{`${opWord(c.op)} ${c.commit_us === null ? '' : f.time(c.commit_us / 1000, true)}`}</span>
                    ))}
                  </Dots>
                </p>
                {data.changes.map((c, i) => (
                  <Change key={i} c={c} known={data.known} />
                ))}
              </>
            ) : (
              <section class="panel">
                <Empty icon="search" title="No change of this row is in the log" small>
                  {text} was looked up. It may be older than what the topics keep, its table may not be captured, or it has not arrived yet.
                </Empty>
              </section>
            )
          }
        </Shown>
      )}
    </div>
  );
}
