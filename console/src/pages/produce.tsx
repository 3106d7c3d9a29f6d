/* produce.tsx: writes a message, or several alike. The last one of each topic is remembered in this browser. */
import { useState } from 'preact/hooks';
import { asError, at, change } from '../lib/api';
import * as f from '../lib/format';
import { looksLikeJson } from '../lib/json';
import { remember, remembered } from '../lib/prefs';
import { written } from '../lib/search';
import type { ErrorBody } from '../lib/types';
import { Button, Field } from '../parts/basic';
import { Dialog, ErrorLine, openDialog } from '../parts/dialog';
import { say } from '../parts/toast';

interface Draft {
  key: string;
  value: string;
  headers: string;
  partition: string;
  count: string;
}
const NEW: Draft = { key: '', value: '', headers: '', partition: '', count: '1' };

function last(topic: string): Draft {
  try {
    return { ...NEW, ...(JSON.parse(remembered('produce.' + topic) ?? '{}') as Partial<Draft>) };
  } catch {
    return NEW;
  }
}
/* Only a check of the form: the text is sent as it was typed, so no number changes. */
function jsonFault(text: string): string | null {
  if (!looksLikeJson(text)) return null;
  try {
    JSON.parse(text);
    return null;
  } catch (e) {
    return 'Not valid JSON: ' + (e as Error).message;
  }
}

function Produce({ topic, partitions, close }: { topic: string; partitions: number; close: () => void }) {
  const [draft, setDraft] = useState(() => last(topic)), [noKey, setNoKey] = useState(draft.key === ''), [tomb, setTomb] = useState(false), [error, setError] = useState<ErrorBody | null>(null);
  const set = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const headers = draft.headers
    .split('\n')
    .filter(l => l.includes(':'))
    .map(l => ({ name: l.slice(0, l.indexOf(':')).trim(), value: l.slice(l.indexOf(':') + 1).trim() }));
  const send = async () => {
    try {
      setError(null);
      const answer = await change<{ partition: number; offset: number }>('POST', at('topics', topic, 'messages'), { key: noKey ? null : draft.key, value: tomb ? null : draft.value, headers, partition: draft.partition === '' ? null : Number(draft.partition), count: Number(draft.count) || 1 });
      remember('produce.' + topic, JSON.stringify(draft));
      close();
      written.set(written.get() + 1);
      const count = Number(draft.count) || 1;
      say(count > 1 ? `${f.plural(count, 'message')} written from partition ${answer.partition}, offset ${f.int(answer.offset)} on` : `Written to partition ${answer.partition}, offset ${f.int(answer.offset)}`);
    } catch (e) {
      setError(asError(e));
    }
  };
  return (
    <Dialog
      title={`Produce to ${topic}`}
      close={close}
      wide
      foot={
        <>
          <span class="hint">Consumers read it like any other message.</span>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button kind="primary" changes busy="Writing…" onClick={send}>
            Produce
          </Button>
        </>
      }
    >
      <div class="form">
        <Field label="Key" note={noKey ? 'none: the partition is chosen by the batch' : jsonFault(draft.key)}>
          <input class="mono" type="text" spellcheck={false} value={draft.key} onInput={e => (set({ key: e.currentTarget.value }), setNoKey(e.currentTarget.value === ''))} />
        </Field>
        <Field label="Value" error={tomb ? null : jsonFault(draft.value)} note={tomb ? 'a tombstone has no value' : `${f.bytes(new TextEncoder().encode(draft.value).length)}`}>
          <textarea class="mono" rows={8} data-first spellcheck={false} disabled={tomb} value={draft.value} onInput={e => set({ value: e.currentTarget.value })} />
        </Field>
        <label class="check">
          <input type="checkbox" checked={tomb} onChange={e => setTomb(e.currentTarget.checked)} /> Tombstone: a key without a value
        </label>
        <Field label="Headers" note="one a line, as name: value">
          <textarea class="mono" rows={2} spellcheck={false} value={draft.headers} onInput={e => set({ headers: e.currentTarget.value })} />
        </Field>
        <div class="form-2">
          <Field label="Partition">
            <select value={draft.partition} onChange={e => set({ partition: e.currentTarget.value })}>
              <option value="">by the key</option>
              {Array.from({ length: partitions }, (_, i) => (
                <option value={String(i)} key={i}>
                  {i}
                </option>
              ))}
            </select>
          </Field>
          <Field label="How many times">
            <input type="number" min="1" max="1000" value={draft.count} onInput={e => set({ count: e.currentTarget.value })} />
          </Field>
        </div>
        {error ? <ErrorLine error={error} /> : null}
      </div>
    </Dialog>
  );
}

export function openProduce(topic: string, partitions: number): void {
  openDialog(close => <Produce topic={topic} partitions={partitions} close={close} />);
}
