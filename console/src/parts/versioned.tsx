/* versioned.tsx: what agents and reports have in common: settings that are changed as a new version, a pause, an end, what is wrong. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { asError, at, change, open } from '../lib/api';
import * as f from '../lib/format';
import { useAnswer } from '../lib/hooks';
import { go, route, setQuery } from '../lib/router';
import { readEvents } from '../lib/sse';
import { useStore } from '../lib/store';
import type { BacktestDone, Effect, ErrorBody, List, Rules, RuleSetting, TopicItem, Why } from '../lib/types';
import { Actions } from './actions';
import { Button, Field, Meter, RichText } from './basic';
import { ask, Dialog, ErrorLine, openDialog } from './dialog';
import { Menu } from './menu';
import { Mark } from './status';
import { say } from './toast';

export type Kind = 'agents' | 'reports';
type Config = Record<string, string>;

const HOUR = 3_600_000;
const CODE = `-- event.row has the columns; what key keeps is durable
function on_event(event, key)
  local amount = decimal(event.row.amount)
  if amount > decimal(4000) then
    alert{title = "User " .. event.row.user_id .. " spent " .. tostring(amount),
          subject = "User " .. event.row.user_id, number = amount,
          conditions = {{"Amount", amount, "> 4000", 0, true}}}
  end
end
`;
const LONG: Record<string, string> = { 'rule.code': CODE, sql: '' };

/* The settings that this one can have, those that are set though unknown too. */
function settingsOf(rules: Rules | null, kind: Kind, rule: string, config: Config): RuleSetting[] {
  const known = rules === null ? [] : kind === 'reports' ? rules.report : (rules.items.find(r => r.rule === rule)?.settings ?? []);
  return [...known, ...Object.keys(config).filter(k => k !== 'rule' && !known.some(s => s.name === k)).map(name => ({ name, default: null, help: '' }))];
}

function Edit({ kind, name, config: before, close, done }: { kind: Kind; name: string | null; config: Config; close: () => void; done: (name: string) => void }) {
  const agents = kind === 'agents', rules = useAnswer<Rules>('/rules').data, topics = useAnswer<List<TopicItem>>(agents ? '/topics?kind=table&limit=500' : null).data;
  const [called, setCalled] = useState(name ?? ''), [config, setConfig] = useState<Config>(before), [hours, setHours] = useState('24');
  const [error, setError] = useState<ErrorBody | null>(null), [share, setShare] = useState<number | null>(null), [result, setResult] = useState<BacktestDone | null>(null), [effect, setEffect] = useState<string | null>(null);
  const running = useRef<AbortController | null>(null), box = useRef<HTMLDivElement>(null);
  useEffect(() => () => running.current?.abort(), []);
  useEffect(() => box.current?.lastElementChild?.scrollIntoView({ block: 'nearest' }), [result, effect, error]);
  const rule = config.rule ?? (agents ? (name ?? '') : ''), settings = settingsOf(rules, kind, rule, config);
  const set = (key: string, value: string) => {
    setConfig({ ...config, ...(key === 'rule' && value === 'lua' && !config['rule.code'] ? { 'rule.code': CODE } : {}), [key]: value });
    setResult(null);
    setEffect(null);
    setError(null);
  };
  /* Nothing in a field takes the setting out. */
  const wanted = Object.fromEntries(Object.entries(config).filter(([k, v]) => v !== '' && (!agents || name || k === 'rule' || settings.some(s => s.name === k))));
  const body = { config: agents ? wanted : { ...Object.fromEntries(Object.keys(before).map(k => [k, null])), ...wanted } };
  const changed = Object.keys({ ...before, ...wanted }).some(k => before[k] !== wanted[k]), path = at(kind, called || '-');
  /* A script's error names its line: it is marked. */
  const failed = (e: unknown) => {
    const what = asError(e), line = /\bcode:(\d+):/.exec(what.why ?? '')?.[1], field = box.current?.querySelector<HTMLTextAreaElement>('[data-key="rule.code"]');
    setError(what);
    if (!line || !field) return;
    const lines = field.value.split('\n'), from = lines.slice(0, Number(line) - 1).join('\n').length + (line === '1' ? 0 : 1);
    field.focus();
    field.setSelectionRange(from, from + (lines[Number(line) - 1]?.length ?? 0));
  };
  const test = async () => {
    const abort = (running.current = new AbortController());
    setError(null);
    setResult(null);
    setShare(0);
    try {
      const to_ms = Math.round(f.nowMs());
      await readEvents(await open(path + '/backtest', { signal: abort.signal, method: 'POST', body: { config: wanted, from_ms: to_ms - Number(hours) * HOUR, to_ms } }), ({ event, data }) => {
        const d = JSON.parse(data);
        if (event === 'progress') setShare(d.total ? d.scanned / d.total : 0);
        else if (event === 'done') setResult(d);
        else if (event === 'error') setError(d.error);
      });
    } catch (e) {
      if (!abort.signal.aborted) failed(e);
    }
    setShare(null);
  };
  const put = (more: object = {}) => change<Effect>('PUT', path, { ...body, ...more });
  const saved = (words: string) => () => (close(), say(words), done(called));
  const save = () => put().then(saved(name ? `${name} has its new version` : `${called} runs`), failed);
  const row = (s: RuleSetting) => (
    <Field label={s.name.replace(/^rule\./, '')} key={s.name} wide={s.name in LONG} note={name && (config[s.name] ?? '') !== (before[s.name] ?? '') && !(s.name in LONG) ? `was ${before[s.name] ?? s.default ?? 'not set'}` : s.help}>
      {s.name in LONG ? (
        <textarea class="mono" rows={s.name === 'sql' ? 4 : 12} spellcheck={false} data-key={s.name} value={config[s.name] ?? ''} onInput={e => set(s.name, e.currentTarget.value)} />
      ) : s.name === 'topic' && topics ? (
        <select value={config.topic ?? ''} onChange={e => set('topic', e.currentTarget.value)}>
          {[...new Set(['', ...topics.items.map(t => t.name), config.topic ?? ''])].map(t => (
            <option key={t} value={t}>
              {t || 'choose one'}
            </option>
          ))}
        </select>
      ) : (
        <input class="mono" type="text" spellcheck={false} autocomplete="off" placeholder={s.default ?? ''} value={config[s.name] ?? ''} onInput={e => set(s.name, e.currentTarget.value)} />
      )}
    </Field>
  );
  const first = settings.filter(s => !agents || /^rule\.|^topic$/.test(s.name)), more = settings.filter(s => !first.includes(s));
  if (agents) first.sort((a, b) => Number(b.name === 'topic') - Number(a.name === 'topic') || Number(b.name in LONG) - Number(a.name in LONG));
  return (
    <Dialog
      title={name ? `A new version of ${name}` : agents ? 'New agent' : 'New report'}
      close={close}
      wide
      foot={
        <>
          {agents && name ? (
            <Button changes disabled={!changed} busy="Starting…" onClick={() => put({ mode: 'dry_run_beside' }).then(saved('The new version runs dry beside the old one'), failed)}>
              Dry run beside the old one
            </Button>
          ) : null}
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          {!agents ? (
            <Button kind="primary" changes disabled={!called || !changed} busy={effect === null ? 'Running…' : 'Saving…'} onClick={() => (effect === null ? put({ dry_run: true }).then(e => (setError(null), setEffect(e?.effect ?? '')), failed) : save())}>
              {effect === null ? 'Run as preview' : name ? 'Save' : 'Create'}
            </Button>
          ) : name ? (
            <Button
              kind="primary"
              changes
              disabled={!changed || !result}
              title={result ? '' : 'Test it on history first'}
              onClick={() =>
                ask({
                  title: `Switch ${name} to the new version?`,
                  effect: <p>{`On the last ${hours} h: ${f.plural(result!.old, 'alert')} before, ${f.int(result!.new)} then; ${f.int(result!.only_old)} no longer, ${f.int(result!.only_new)} new.`}</p>,
                  button: 'Switch',
                  busy: 'Switching…',
                  run: () => put(),
                  done: `${name} has its new version`,
                  then: () => (close(), done(name))
                })
              }
            >
              Switch…
            </Button>
          ) : (
            <Button kind="primary" changes disabled={!called || !rule || !config.topic} busy="Creating…" onClick={save}>
              Create
            </Button>
          )}
        </>
      }
    >
      <div class="form" ref={box}>
        {name ? null : (
          <div class="form-2">
            <Field label="Name" note="letters, digits, _ and -">
              <input type="text" data-first spellcheck={false} autocomplete="off" value={called} onInput={e => setCalled(e.currentTarget.value)} />
            </Field>
            {agents ? (
              <Field label="Rule" note={rules?.items.find(r => r.rule === rule)?.summary}>
                <select value={rule} onChange={e => set('rule', e.currentTarget.value)}>
                  <option value="">choose one</option>
                  {rules?.items.map(r => (
                    <option key={r.rule}>{r.rule}</option>
                  ))}
                </select>
              </Field>
            ) : null}
          </div>
        )}
        <div class="form-2">{first.map(row)}</div>
        {more.length && (name || rule) ? (
          <details>
            <summary>What every agent can be told</summary>
            <div class="form-2">{more.map(row)}</div>
          </details>
        ) : null}
        {agents ? (
          <div class="bar">
            <span class="lab">Test it on the last</span>
            <label class="field">
              <input class="short" type="number" min="1" aria-label="Hours of history" value={hours} onInput={e => setHours(e.currentTarget.value)} />
              <span>h</span>
            </label>
            <Button disabled={!changed || !rule || !config.topic || share !== null} onClick={test}>
              {share === null ? 'Test' : `Testing, ${f.percent(share)}`}
            </Button>
          </div>
        ) : null}
        {share !== null ? <Meter share={share} label="Share of history that is read" /> : null}
        <div aria-live="polite">
          {effect ? <p>{effect}</p> : null}
          {result && !name ? <p>{`It would have raised ${f.plural(result.new, 'alert')}.`}</p> : null}
          {result && name ? (
            <>
              <p>
                <b>
                  {f.plural(result.old, 'alert')} before, {f.int(result.new)} then.
                </b>{' '}
                {result.old_stopped ? `The present one stops on these rows: ${result.old_stopped}. ` : ''}
                {f.int(result.both)} in both, {f.int(result.only_old)} only before, {f.int(result.only_new)} only then.
                {result.precision_old !== null && result.precision_new !== null ? ` Where false positives are marked, ${f.percent(result.precision_old)} were right before, ${f.percent(result.precision_new)} then.` : ''}
              </p>
              <ul class="sinks">
                {result.samples.map((s, i) => (
                  <li key={i}>
                    <span>{s.which === 'only_old' ? 'only before' : 'only then'}</span>
                    {s.path ? (
                      <a href={s.path} target="_blank">
                        {s.title}
                      </a>
                    ) : (
                      <span>{s.title}</span>
                    )}
                  </li>
                ))}
              </ul>
            </>
          ) : null}
        </div>
        {error ? <ErrorLine error={error} /> : null}
      </div>
    </Dialog>
  );
}

/* A new one; the page that it gets is opened. */
export function NewButton({ kind, first }: { kind: Kind; first?: boolean /* it is the one that ?create=1 means */ }) {
  const create = () => openDialog(close => <Edit kind={kind} name={null} config={{}} close={close} done={name => go(at(kind, name))} />), wanted = useStore(route).query.get('create');
  useEffect(() => {
    if (!first || !wanted) return;
    setQuery({ create: null });
    create();
  }, [wanted]);
  return (
    <Button kind="primary" icon="plus" changes onClick={create}>
      {kind === 'agents' ? 'New agent…' : 'New report…'}
    </Button>
  );
}

/* Pause or resume, edit, delete. */
export function Steering({ kind, name, paused, config, reload }: { kind: Kind; name: string; paused: boolean; config: Config; reload: () => Promise<void> }) {
  const path = at(kind, name);
  return (
    <>
      <Button
        icon={paused ? 'play' : 'pause'}
        changes
        busy={paused ? 'Resuming…' : 'Pausing…'}
        onClick={async () => {
          try {
            await change('POST', path + '/state', { state: paused ? 'running' : 'paused' });
            say(paused ? `${name} goes on` : kind === 'agents' ? `${name} is paused; rows wait in the log` : `${name} is paused`);
            await reload();
          } catch (e) {
            say(asError(e).what, 'crit');
          }
        }}
      >
        {paused ? 'Resume' : 'Pause'}
      </Button>
      <Button changes onClick={() => openDialog(close => <Edit kind={kind} name={name} config={config} close={close} done={() => void reload()} />)}>
        {kind === 'agents' ? 'Edit as a new version…' : 'Edit…'}
      </Button>
      <Menu
        title="More: delete"
        items={[
          {
            text: 'Delete…',
            changes: true,
            danger: true,
            run: () =>
              ask({
                title: `Delete ${name}?`,
                effect: async () => (await change<Effect>('DELETE', path, { dry_run: true }))?.effect,
                name,
                button: 'Delete',
                busy: 'Deleting…',
                run: () => change('DELETE', path, { confirm: name }),
                done: `${name} is deleted`,
                then: () => go('/' + kind)
              })
          }
        ]}
      />
    </>
  );
}

export function Trouble({ error, state }: { error: Why | null; state: 'crit' | 'warn' }) {
  return error ? (
    <article class={'problem is-' + state}>
      <Mark state={state} />
      <div class="problem-body">
        <h2>{error.title}</h2>
        <p>
          <RichText parts={error.why} />
        </p>
        <p class="todo">
          <b>Do: </b>
          {error.todo}
        </p>
      </div>
      <div class="problem-actions">
        <Actions actions={error.actions} />
      </div>
    </article>
  ) : null;
}

/* What is set, and what the others are then. */
export function useSettings(kind: Kind, rule: string, config: Config): RuleSetting[] {
  const rules = useAnswer<Rules>('/rules').data;
  return settingsOf(rules, kind, rule, config).filter(s => /^rule\./.test(s.name) || s.name in config);
}
