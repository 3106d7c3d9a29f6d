/* message-drawer.tsx: one message: its row, its text, its bytes, its facts and its way. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { asError, at, BASE, call, getText, query } from '../lib/api';
import * as f from '../lib/format';
import { hexLines } from '../lib/json';
import { useAnswer } from '../lib/hooks';
import { useKeys } from '../lib/keys';
import type { ErrorBody, Message, Row, Trace } from '../lib/types';
import { Button, copy, CopyButton, Dots, Facts, Segments } from './basic';
import { Value } from './cell';
import { Code } from './code';
import { Icon } from './icon';
import { Bones, Failure, Shown } from './states';
import { Op } from './status';
import { Waterfall } from './waterfall';

const PIECE = 65_536;
type Tab = 'Row' | 'Message' | 'Raw' | 'Facts';

function path(m: Pick<Message, 'topic' | 'partition' | 'offset'>): string {
  return at('topics', m.topic, 'messages', m.partition, m.offset);
}

function RowTable({ row }: { row: Row }) {
  const { op } = row, insert = op === 'c' || op === 'r', remove = op === 'd';
  const noBefore = op === 'u' && row.columns.every(c => c.before === null);
  const alter = `ALTER TABLE ${row.table} REPLICA IDENTITY FULL;`;
  return (
    <>
      <table class="diff">
        <thead>
          <tr>
            <th scope="col">Column</th>
            {insert ? null : <th scope="col">Before</th>}
            {remove ? null : <th scope="col">After</th>}
          </tr>
        </thead>
        <tbody>
          {row.columns.map(c => {
            const changed = op === 'u' && c.changed;
            return (
              <tr key={c.name} class={changed ? 'changed-row' : ''}>
                <th scope="row">
                  {c.name}
                  <small>{c.type + (c.key ? ', key' : '')}</small>
                </th>
                {insert ? null : <td class={'mono' + ((changed && c.before !== null) || remove ? ' minus' : '')}>{noBefore ? null : <Value value={c.before} type={c.type} />}</td>}
                {remove ? null : <td class={'mono' + (changed || insert ? ' plus' : '')}>{c.masked ? 'hidden' : c.unavailable ? <span class="is-idle">not sent by PostgreSQL: large and unchanged</span> : <Value value={c.after} type={c.type} />}</td>}
              </tr>
            );
          })}
        </tbody>
      </table>
      {row.columns_cut ? <p class="hint">{f.plural(row.columns_cut, 'more column')} are in Message.</p> : null}
      {noBefore ? (
        <div class="drawer-note">
          <p class="hint">Before is empty{row.before_missing ? `: the replica identity of ${row.table} is ${row.before_missing}` : ''}. This sends old rows too, and makes the WAL larger:</p>
          <Code text={alter} label="SQL" />
        </div>
      ) : null}
    </>
  );
}

function Way({ m }: { m: Message }) {
  const answer = useAnswer<Trace>('/trace' + query({ topic: m.topic, p: m.partition, o: m.offset }));
  const hops = answer.data?.changes[0]?.hops ?? [];
  const key = m.key?.text ?? '';
  return (
    <>
      <h3>Its way</h3>
      <Shown answer={answer} rows={4}>
        {() => (hops.length ? <Waterfall hops={hops.filter(h => !h.later)} /> : <p class="hint">Its steps are no longer known.</p>)}
      </Shown>
      <p class="foot">
        <a href={'/trace' + query({ topic: m.topic, p: m.partition, o: m.offset })}>Full trace</a>
        {key ? <a href={at('topics', m.topic) + query({ key: keyText(m) })}>All changes of this row</a> : null}
      </p>
    </>
  );
}

/* What to search for to find all changes of the row: its key as it is in the log. */
const keyText = (m: Message) => m.key?.text ?? '';

function ValueText({ m }: { m: Message }) {
  const [text, setText] = useState(m.value?.text ?? ''), [whole, setWhole] = useState(false), [error, setError] = useState<ErrorBody | null>(null);
  useEffect(() => {
    setText(m.value?.text ?? '');
    setWhole(false);
  }, [m]);
  if (!m.value) return <p class="hint">A tombstone: the message has a key and no value. Compaction removes the key.</p>;
  const { bytes, schema_folded: folded = 0 } = m.value, large = bytes - folded > PIECE;
  const have = new TextEncoder().encode(text).length, left = m.value.binary ? 0 : whole ? Math.max(0, bytes - have) : m.value.cut > 0 ? bytes - have : 0;
  const more = async (from: number, size: number, anew: boolean) => {
    try {
      const piece = await getText(path(m) + query({ part: 'value', from, bytes: size }));
      setText(anew ? piece : text + piece);
      setWhole(true);
      setError(null);
    } catch (e) {
      setError(asError(e));
    }
  };
  return (
    <>
      {large || m.value.binary ? (
        <p class="hint">
          <b>{f.bytes(bytes)}.</b> {m.value.binary ? 'It is no text, so it is shown in base64; Raw has the bytes as they are.' : left > 0 ? `The first ${f.bytes(have)} are shown; nothing is parsed beyond them.` : ''}
        </p>
      ) : null}
      {error ? <Failure error={error} /> : null}
      <Code text={text} json label="Value" />
      <p class="row drawer-row">
        {folded > 0 && !whole ? (
          <Button kind="small" onClick={() => more(0, PIECE, true)}>
            {`Show the schema, ${f.bytes(folded)}`}
          </Button>
        ) : null}
        {left > 0 ? (
          <Button kind="small" busy="Loading…" onClick={() => more(whole || m.value!.cut > 0 ? have : 0, PIECE, false)}>
            {`Show ${f.bytes(Math.min(PIECE, left))} more`}
          </Button>
        ) : null}
        {large ? (
          <a class="btn small" href={BASE + path(m) + query({ part: 'value', download: 1 })} download={`${m.topic}-${m.partition}-${m.offset}.value`}>
            Download
          </a>
        ) : null}
      </p>
      <h3>Key</h3>
      {m.key?.text === null || m.key === null ? <p class="hint">None</p> : <Code text={m.key.text} json label="Key" />}
    </>
  );
}

function RawBytes({ m }: { m: Message }) {
  const [part, setPart] = useState<'value' | 'key'>('value'), [bytes, setBytes] = useState<Uint8Array>(new Uint8Array()), [error, setError] = useState<ErrorBody | null>(null);
  const total = (part === 'value' ? m.value?.bytes : m.key?.bytes) ?? 0;
  const load = async (from: number, before: Uint8Array) => {
    try {
      const response = await call(path(m) + query({ part, from, bytes: 2048, download: 1 }));
      const piece = new Uint8Array(await response.arrayBuffer()).subarray(0, 2048), all = new Uint8Array(before.length + piece.length);
      all.set(before);
      all.set(piece, before.length);
      setBytes(all);
      setError(response.ok ? null : { code: '', what: `Tailrace answered ${response.status}.`, why: null, todo: 'Try again.', field: null, actions: [], request: null });
    } catch (e) {
      setError(asError(e));
    }
  };
  useEffect(() => {
    setBytes(new Uint8Array());
    void load(0, new Uint8Array());
  }, [part, m.partition, m.offset]);
  return (
    <>
      <div class="bar">
        <Segments label="Part" items={[['value', 'Value'], ['key', 'Key']]} value={part} onPick={setPart} />
        <a class="btn small push" href={BASE + path(m) + query({ part, download: 1 })} download={`${m.topic}-${m.partition}-${m.offset}.${part}`}>
          Download
        </a>
      </div>
      <p class="hint">Exactly the bytes in the log, {f.int(total)} of them.</p>
      {error ? <Failure error={error} again={() => load(0, new Uint8Array())} /> : null}
      {bytes.length ? <Code text={hexLines(bytes)} label="Bytes" /> : null}
      {bytes.length < total && bytes.length > 0 ? (
        <Button kind="small" onClick={() => load(bytes.length, bytes)}>{`Show ${f.bytes(Math.min(2048, total - bytes.length))} more`}</Button>
      ) : null}
    </>
  );
}

function MessageFacts({ m }: { m: Message }) {
  const { row, batch } = m;
  return (
    <>
      <Facts
        list={[
          ['Topic', m.topic],
          ['Partition', m.partition],
          ['Offset', f.int(m.offset)],
          ['Timestamp', f.fullTime(m.at_ms, true), `${m.at_kind} time, ${f.zoneName(m.at_ms)}`],
          ...(row
            ? ([
                ['Committed', row.commit_us === null ? f.DASH : f.fullTime(Math.floor(row.commit_us / 1000), true)],
                ['LSN', row.lsn ? <code>{row.lsn}</code> : f.DASH],
                ['Transaction', row.xid ? <a href={'/trace' + query({ xid: row.xid })}>{row.xid}</a> : f.DASH],
                ['Snapshot', row.snapshot ? 'yes' : 'no']
              ] as [string, preact.ComponentChildren][])
            : []),
          ['Key', m.key ? f.bytes(m.key.bytes) : 'none'],
          ['Value', m.value ? f.bytes(m.value.bytes) : 'none (tombstone)'],
          ...(batch
            ? ([
                ['Batch', `${f.plural(batch.count, 'message')}, ${batch.codec}, ${f.bytes(batch.bytes)}`],
                ['Producer', batch.producer_id ?? 'none']
              ] as [string, string][])
            : []),
          ['Headers', m.headers.length ? String(m.headers.length) : 'none']
        ]}
      />
      {m.headers.length ? (
        <table class="diff headers">
          <thead>
            <tr>
              <th scope="col">Header</th>
              <th scope="col">Value</th>
            </tr>
          </thead>
          <tbody>
            {m.headers.map((h, i) => (
              <tr key={i}>
                <th scope="row">{f.visible(h.name)}</th>
                <td class="mono">{h.value === null ? <span class="is-idle">null</span> : f.visible(h.value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </>
  );
}

export function MessageDrawer({ topic, partition, offset, known, close, onReproduce }: { topic: string; partition: number; offset: number; known: Message | null; close: () => void; onReproduce: (m: Message) => void }) {
  const answer = useAnswer<Message>(path({ topic, partition, offset }));
  const m = answer.data ?? known, [tab, setTab] = useState<Tab | null>(null), box = useRef<HTMLElement>(null);
  const shown: Tab = tab === 'Row' && !m?.row ? 'Message' : (tab ?? (m?.row ? 'Row' : 'Message'));
  useKeys({ Escape: close });
  /* Where the drawer covers the page, the focus goes into it and back. */
  useLayoutEffect(() => {
    if (!matchMedia('(max-width: 1240px)').matches) return;
    const from = document.activeElement as HTMLElement | null;
    box.current?.focus();
    return () => {
      if (from?.isConnected) from.focus();
    };
  }, []);
  const title = m?.row ? m.row.table.split('.').pop() + ', ' + (m.row.columns.filter(c => c.key).map(c => `${c.name} ${c.after ?? c.before ?? ''}`).join(', ') || 'no key') : m?.key?.text ? f.visible(m.key.text).slice(0, 60) : 'no key';
  return (
    <aside class="drawer" aria-label="Message" ref={box} tabIndex={-1}>
      <header class="drawer-head">
        <div>
          <h2>
            {m?.row ? <Op op={m.row.op} /> : m && !m.value ? <Op op="tombstone" /> : null}
            <span class="num">{title}</span>
          </h2>
          <p class="sub num">
            <Dots>
              {`partition ${partition}`}
              {`offset ${f.int(offset)}`}
              {m ? f.time(m.at_ms, true) : null}
            </Dots>
          </p>
        </div>
        <div>
          <Button icon="link" kind="quiet" title="Copy a link to this message" onClick={() => copy(location.origin + at('topics', topic) + query({ p: partition, o: offset }), 'Link copied')} />
          <button type="button" class="btn quiet" aria-label="Close" onClick={close}>
            <Icon name="x" />
          </button>
        </div>
      </header>
      {answer.error ? <Failure error={answer.error} again={answer.reload} /> : null}
      {m ? (
        <>
          <div class="drawer-seg">
            <Segments<Tab> label="Show" items={m.row ? ['Row', 'Message', 'Raw', 'Facts'] : ['Message', 'Raw', 'Facts']} value={shown} onPick={setTab} />
            <Button kind="small" onClick={() => onReproduce(m)}>
              Reproduce…
            </Button>
          </div>
          <div class="drawer-part">
            {shown === 'Row' && m.row ? (
              <>
                <RowTable row={m.row} />
                <Way m={m} />
              </>
            ) : shown === 'Message' ? (
              <ValueText m={m} />
            ) : shown === 'Raw' ? (
              <RawBytes m={m} />
            ) : (
              <MessageFacts m={m} />
            )}
          </div>
          {m.value && shown !== 'Raw' ? (
            <p class="row drawer-row">
              {m.value.binary && m.value.cut > 0 ? null : (
                <CopyButton kind="small" text={() => (m.value!.cut > 0 ? getText(path(m) + query({ part: 'value', download: 1 })) : (m.value!.text ?? ''))}>
                  Copy value
                </CopyButton>
              )}
              <Button kind="small" href={'/trace' + query({ topic, p: partition, o: offset })}>
                Trace
              </Button>
            </p>
          ) : null}
        </>
      ) : answer.slow ? (
        <Bones rows={6} />
      ) : null}
    </aside>
  );
}
