/* topic-export.tsx: what was found, as a file or into another topic. */
import { useState } from 'preact/hooks';
import { asError, at, BASE, change, query } from '../lib/api';
import * as f from '../lib/format';
import { parseTime } from '../lib/format';
import type { Asked } from '../lib/search';
import type { CopyEffect, ErrorBody, Message } from '../lib/types';
import { Button, Field, Segments } from '../parts/basic';
import { Dialog, ErrorLine, openDialog } from '../parts/dialog';
import { say } from '../parts/toast';

function Export({ topic, asked, close }: { topic: string; asked: Asked; close: () => void }) {
  const [format, setFormat] = useState<'jsonl' | 'csv'>('jsonl'), [limit, setLimit] = useState('10000');
  const start = asked.from === 'time' ? parseTime(asked.at) : asked.from === 'offset' ? asked.at : null;
  const from = asked.from === 'live' ? 'newest' : asked.from;
  const href = BASE + at('topics', topic, 'export') + query({ from, at: start, p: asked.part, key: asked.key, filter: asked.filter, limit, format });
  return (
    <Dialog
      title={`Export from ${topic}`}
      close={close}
      foot={
        <>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <a class="btn primary" href={href} download={`${topic}.${format}`} onClick={() => setTimeout(close, 0)}>
            Export
          </a>
        </>
      }
    >
      <p>
        {asked.filter || asked.key ? (
          <>
            What matches <code>{asked.filter || `key ${asked.key}`}</code>, {from === 'newest' ? 'newest first' : 'oldest first'}.
          </>
        ) : (
          `All messages, ${from === 'newest' ? 'newest first' : 'oldest first'}.`
        )}{' '}
        The last line of the file says whether it is complete.
      </p>
      <div class="bar">
        <Segments
          label="Format"
          items={[
            ['jsonl', 'JSON lines'],
            ['csv', 'CSV of the row']
          ]}
          value={format}
          onPick={setFormat}
        />
      </div>
      <Field label="At most" note="messages">
        <input type="number" min="1" value={limit} onInput={e => setLimit(e.currentTarget.value)} />
      </Field>
      {format === 'csv' ? <p class="hint">Cells that a spreadsheet would run as a formula are quoted.</p> : null}
    </Dialog>
  );
}
export function openExport(topic: string, asked: Asked = { from: 'newest', at: '', part: '', key: '', filter: '' }): void {
  openDialog(close => <Export topic={topic} asked={asked} close={close} />);
}

function Reproduce({ topic, messages, close }: { topic: string; messages: Message[]; close: () => void }) {
  const [to, setTo] = useState(''), [keep, setKeep] = useState(false), [effect, setEffect] = useState<CopyEffect | null>(null), [error, setError] = useState<ErrorBody | null>(null);
  const path = at('topics', topic, 'copy'), body = { messages: messages.map(m => [m.partition, m.offset]), to, keep_partition: keep };
  const where = (p: [number, number] | null) => (p ? `partition ${p[0]}, offset ${f.int(p[1])}` : f.DASH);
  return (
    <Dialog
      title={messages.length === 1 ? 'Reproduce the message' : `Reproduce ${f.int(messages.length)} messages`}
      close={close}
      foot={
        <>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button
            kind="primary"
            changes
            disabled={!to}
            busy={effect ? 'Writing…' : 'Looking…'}
            onClick={async () => {
              try {
                setError(null);
                if (!effect) {
                  setEffect(await change<CopyEffect>('POST', path, { ...body, dry_run: true }));
                  return;
                }
                const done = await change<CopyEffect>('POST', path, body);
                close();
                say(`${f.plural(done.count, 'message')} written to ${to}`);
              } catch (e) {
                setError(asError(e));
              }
            }}
          >
            {effect ? 'Write them' : 'Review'}
          </Button>
        </>
      }
    >
      <p>The same key, value and headers are written to another topic, as new messages with new offsets. Consumers of that topic will read them.</p>
      <Field label="To topic">
        <input class="mono" type="text" data-first spellcheck={false} value={to} onInput={e => (setTo(e.currentTarget.value), setEffect(null))} />
      </Field>
      <label class="check">
        <input type="checkbox" checked={keep} onChange={e => (setKeep(e.currentTarget.checked), setEffect(null))} /> Into the partition of the same number
      </label>
      <div aria-live="polite">
        {effect ? (
          <p>
            <b>{f.plural(effect.count, 'message')}</b> to <code>{to}</code>: from {where(effect.first)} to {where(effect.last)}.
          </p>
        ) : null}
      </div>
      {error ? <ErrorLine error={error} /> : null}
    </Dialog>
  );
}
/* Each partition's messages are written in their order, however they were found. */
export function openReproduce(topic: string, found: Message[]): void {
  const messages = [...found].sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  openDialog(close => <Reproduce topic={topic} messages={messages} close={close} />);
}
