/* status.tsx: a state is always a shape, a colour and a word. */
import type { ComponentChildren } from 'preact';
import type { Row, State } from '../lib/types';

const SHAPE: Record<State, preact.JSX.Element> = {
  ok: <circle cx="6" cy="6" r="4" />,
  warn: <path d="M6 1.2 11.2 10.6H.8Z" />,
  crit: <path d="M6 .6 11.4 6 6 11.4 .6 6Z" />,
  idle: <rect x="2.7" y="2.7" width="6.6" height="6.6" rx="1" class="hollow" />,
  busy: <path d="M6 2a4 4 0 1 1-4 4" class="hollow" />,
  info: <circle cx="6" cy="6" r="3.4" class="hollow" />
};

/* A state that this version does not know is shown as a note, not as nothing. */
export const known = (state: string): State => (state in SHAPE ? (state as State) : 'info');

export function Mark({ state }: { state: string }) {
  const s = known(state);
  return (
    <svg class={'mark is-' + s} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      {SHAPE[s]}
    </svg>
  );
}

export function Status({ state, children, title }: { state: string; children: ComponentChildren; title?: string | undefined }) {
  return (
    <span class={'status is-' + known(state)} title={title}>
      <Mark state={state} />
      <span>{children}</span>
    </span>
  );
}

const OPS: Record<string, string> = { c: 'insert', u: 'update', d: 'delete', r: 'snapshot', t: 'truncate', m: 'message' };
export function Op({ op }: { op: Row['op'] | 'tombstone' }) {
  return op === 'tombstone' ? <span class="op op-x">tombstone</span> : <span class={'op op-' + op}>{OPS[op] ?? op}</span>;
}
export const opWord = (op: Row['op']) => OPS[op] ?? op;
