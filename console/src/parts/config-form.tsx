/* config-form.tsx: a connector's configuration as a form and as JSON: two views of one thing. */
import { useEffect, useRef, useState } from 'preact/hooks';
import * as f from '../lib/format';
import { jsonFault } from '../lib/json';
import type { Preflight } from '../lib/types';
import { Field } from './basic';
import type { Config } from './preflight';

export const CLASS = 'io.debezium.connector.postgresql.PostgresConnector';
const MASK = '********';
const SECRET = /password|secret|token/i;

export interface Draft {
  name: string;
  config: Config;
}

/* The whole body of a POST, or its config alone. Values that are no text become text, as Connect does. */
export function readDraft(text: string): Draft | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (e) {
    return jsonFault(text) ?? (e as Error).message;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'An object in braces is expected.';
  const whole = value as { name?: unknown; config?: unknown }, inner = typeof whole.config === 'object' && whole.config !== null ? (whole.config as Record<string, unknown>) : (value as Record<string, unknown>);
  const config: Config = {};
  for (const [key, v] of Object.entries(inner)) if (v !== null) config[key] = typeof v === 'string' ? v : JSON.stringify(v);
  const name = inner !== value && typeof whole.name === 'string' ? whole.name : (config.name ?? '');
  return { name, config };
}

export const writeDraft = ({ name, config }: Draft) => JSON.stringify({ name, config }, null, 2);
/* What is looked at, not sent: secrets are masked in it. */
export const maskedText = (text: string) => text.replace(/("[^"]*(?:password|secret|token)[^"]*"\s*:\s*")((?:[^"\\]|\\.)+)(")/gi, (_, a: string, __: string, c: string) => a + MASK + c);

/* The password field is masked once it leaves focus, also in the JSON. Typing brings the whole text back. */
export function JsonView({ text, onText, fault }: { text: string; onText: (text: string) => void; fault: string | null }) {
  const [focused, setFocused] = useState(false), shown = focused ? text : maskedText(text);
  return (
    <div class="form">
      <p class="hint">Paste what you would send to the Connect API: the whole body or only its config.</p>
      <textarea
        class="mono"
        rows={18}
        spellcheck={false}
        aria-label="Connector JSON"
        aria-invalid={fault !== null}
        value={shown}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        onInput={e => onText(e.currentTarget.value)}
      />
      {fault ? (
        <p class="hint is-crit" role="status">
          Not valid JSON: {fault}
        </p>
      ) : null}
    </div>
  );
}

const SNAPSHOTS: [string, string][] = [
  ['initial', 'initial: yes, once'],
  ['never', 'never: only what changes from now on'],
  ['initial_only', 'initial_only: copy, then stop'],
  ['always', 'always: at every start'],
  ['when_needed', 'when_needed: when the position is lost'],
  ['no_data', 'no_data: only the structure'],
  ['configuration_based', 'configuration_based'],
  ['custom', 'custom']
];
const FORM = new Set(['connector.class', 'database.hostname', 'database.port', 'database.user', 'database.password', 'database.dbname', 'snapshot.mode', 'topic.prefix', 'slot.name', 'table.include.list', 'name']);

export function FormView({ draft, onDraft, preflight, focus, fixedName }: { draft: Draft; onDraft: (draft: Draft) => void; preflight: Preflight | null; focus?: string | null; fixedName?: boolean }) {
  const { name, config } = draft, box = useRef<HTMLDivElement>(null), [add, setAdd] = useState('');
  const set = (key: string, value: string) => {
    const next = { ...config };
    if (value === '') delete next[key];
    else next[key] = value;
    onDraft({ name, config: next });
  };
  useEffect(() => {
    if (focus) box.current?.querySelector<HTMLInputElement>(`[data-key="${CSS.escape(focus)}"]`)?.focus();
  }, [focus]);
  const input = (key: string, more: { type?: string; placeholder?: string; mono?: boolean } = {}) => (
    <input
      data-key={key}
      class={more.mono ? 'mono' : ''}
      type={more.type ?? 'text'}
      placeholder={more.placeholder}
      spellcheck={false}
      autocomplete={more.type === 'password' ? 'new-password' : 'off'}
      value={config[key] ?? ''}
      onFocus={e => more.type === 'password' && e.currentTarget.value === MASK && e.currentTarget.select()}
      onInput={e => set(key, e.currentTarget.value)}
    />
  );
  const note = (code: string) => preflight?.checks.find(c => c.code === code)?.found ?? undefined;
  const included = config['table.include.list']?.split(',').map(s => s.trim()).filter(Boolean) ?? null, tables = preflight?.tables ?? [];
  const pick = (table: string, on: boolean) => {
    const all = included ?? tables.filter(t => t.captured).map(t => t.table), next = on ? [...all, table] : all.filter(t => t !== table);
    set('table.include.list', next.join(','));
  };
  const others = Object.keys(config).filter(k => !FORM.has(k));
  return (
    <div class="form" ref={box}>
      <h3>Where the rows are</h3>
      <div class="form-2">
        <Field label="Host" note={note('connect')}>
          {input('database.hostname', { placeholder: 'localhost' })}
        </Field>
        <Field label="Port">{input('database.port', { placeholder: '5432' })}</Field>
      </div>
      <div class="form-2">
        <Field label="User">{input('database.user', { placeholder: 'postgres' })}</Field>
        <Field label="Password" note="never shown again">
          {input('database.password', { type: 'password' })}
        </Field>
      </div>
      <Field label="Database">{input('database.dbname')}</Field>
      <h3>What to capture</h3>
      {tables.length ? (
        <fieldset class="pick">
          <legend class="sr">Tables</legend>
          {tables.slice(0, 200).map(t => (
            <label key={t.table} title={t.why_not ?? undefined}>
              <input type="checkbox" checked={included ? included.includes(t.table) : t.captured} onChange={e => pick(t.table, e.currentTarget.checked)} />
              <b>{t.table}</b>
              <small class="num">{t.rows_about === null ? '' : `about ${f.plural(t.rows_about, 'row')}`}</small>
              <small>{t.key.length ? 'key ' + t.key.join(', ') : 'no key'}</small>
            </label>
          ))}
          <p class="hint">{included ? 'Only the tables of the list are captured.' : 'No list is set, so every table of the database is captured, also those created later.'}</p>
        </fieldset>
      ) : (
        <Field label="Tables" note="separated by commas; none means all">
          {input('table.include.list', { mono: true, placeholder: 'public.transactions,public.users' })}
        </Field>
      )}
      <Field label="First copy the rows that are there" note="snapshot.mode">
        <select value={config['snapshot.mode'] ?? 'initial'} onChange={e => set('snapshot.mode', e.currentTarget.value === 'initial' ? '' : e.currentTarget.value)}>
          {SNAPSHOTS.map(([value, text]) => (
            <option value={value} key={value}>
              {text}
            </option>
          ))}
        </select>
      </Field>
      <h3>Names</h3>
      <div class="form-2">
        <Field label="Connector">
          <input class="mono" type="text" spellcheck={false} disabled={fixedName} value={name} onInput={e => onDraft({ name: e.currentTarget.value, config })} />
        </Field>
        <Field label="Topic prefix" note={`topics are called ${config['topic.prefix'] || '…'}.public.…`}>
          {input('topic.prefix', { mono: true })}
        </Field>
      </div>
      <Field label="Slot">{input('slot.name', { mono: true, placeholder: 'debezium' })}</Field>
      <details open={others.some(k => k === focus)}>
        <summary>{others.length ? `${f.plural(others.length, 'more property', 'more properties')}; all others at their default` : 'All other properties are at their default'}</summary>
        <div class="form others">
          {others.map(key => (
            <Field label={key} key={key}>
              {input(key, { mono: true, ...(SECRET.test(key) ? { type: 'password' } : {}) })}
            </Field>
          ))}
          <Field label="Add a property" note="its name, then Enter">
            <input
              class="mono"
              type="text"
              spellcheck={false}
              value={add}
              placeholder="snapshot.fetch.size"
              onInput={e => setAdd(e.currentTarget.value)}
              onKeyDown={e => {
                if (e.key !== 'Enter' || !add.trim()) return;
                e.preventDefault();
                onDraft({ name, config: { ...config, [add.trim()]: config[add.trim()] ?? '' } });
                setAdd('');
              }}
            />
          </Field>
        </div>
      </details>
    </div>
  );
}
