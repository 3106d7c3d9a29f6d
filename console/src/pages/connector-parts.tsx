/* connector-parts.tsx: a connector's configuration, offsets and log, and its deletion. */
import { useEffect, useState } from 'preact/hooks';
import { ApiError, asError, at, change, curl, getText } from '../lib/api';
import * as f from '../lib/format';
import { useAnswer } from '../lib/hooks';
import { tokens } from '../lib/json';
import { go, route } from '../lib/router';
import { useStore } from '../lib/store';
import type { Connector, ErrorBody } from '../lib/types';
import { Button, CopyButton, Panel, Segments } from '../parts/basic';
import { Code } from '../parts/code';
import { FormView, JsonView, readDraft, writeDraft, type Draft } from '../parts/config-form';
import { ask, Dialog, ErrorLine } from '../parts/dialog';
import { overview } from '../parts/frame';
import { LogView } from '../parts/log-view';
import { applyPatch, PreflightPanel, usePreflight, type Config } from '../parts/preflight';
import { Shown } from '../parts/states';
import { Status } from '../parts/status';
import { Table } from '../parts/table';
import { say } from '../parts/toast';

const api = (name: string, ...rest: string[]) => at('connect', 'connectors', name, ...rest);

interface Change {
  name: string;
  old: string | null;
  new: string | null;
}
function difference(old: Config, next: Config): Change[] {
  return [...new Set([...Object.keys(old), ...Object.keys(next)])]
    .sort()
    .filter(k => old[k] !== next[k])
    .map(k => ({ name: k, old: old[k] ?? null, new: next[k] ?? null }));
}
const secret = (name: string, value: string | null) => (value === null ? f.DASH : /password|secret|token/i.test(name) ? '********' : value);

export function Configuration({ c }: { c: Connector }) {
  const answer = useAnswer<Config>(api(c.name, 'config')), { query: q } = useStore(route), focus = q.get('focus');
  const [draft, setDraft] = useState<Draft | null>(null), [by, setBy] = useState<'Form' | 'JSON'>('Form'), [text, setText] = useState(''), [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    if (focus && answer.data && !draft) setDraft({ name: c.name, config: answer.data });
  }, [focus, answer.data]);
  const preflight = usePreflight(c.name, draft && fault === null ? draft.config : null);
  const take = (next: Draft) => {
    setDraft(next);
    setText(writeDraft(next));
  };
  if (!draft)
    return (
      <Shown answer={answer} panel>
        {config => (
          <Panel
            title="Configuration"
            extra={
              <span class="row">
                <CopyButton text={() => JSON.stringify({ name: c.name, config }, null, 2)} kind="small">
                  Copy as JSON
                </CopyButton>
                <Button
                  kind="small"
                  changes
                  onClick={() => {
                    setText(writeDraft({ name: c.name, config }));
                    setDraft({ name: c.name, config });
                  }}
                >
                  Edit
                </Button>
              </span>
            }
          >
            <Table
              label="Configuration"
              items={Object.entries(config).sort()}
              keyOf={([name]) => name}
              columns={[
                { name: 'Property', cell: ([name]) => <code>{name}</code> },
                { name: 'Value', class: 'wrap', cell: ([name, value]) => <code>{secret(name, value)}</code> },
                {
                  name: 'Note',
                  class: 'wrap',
                  cell: ([name]) => {
                    const w = c.warnings.find(x => x.property === name);
                    return w ? <Status state="warn">{w.text}</Status> : '';
                  }
                }
              ]}
            />
          </Panel>
        )}
      </Shown>
    );
  const changes = difference(answer.data ?? {}, draft.config);
  const review = () =>
    ask({
      title: `Change ${c.name}?`,
      effect: (
        <>
          <Table
            label="Changes"
            items={changes}
            columns={[
              { name: 'Property', cell: x => <code>{x.name}</code> },
              { name: 'Now', label: true, class: 'wrap', cell: x => secret(x.name, x.old) },
              { name: 'Then', label: true, class: 'wrap', cell: x => <b>{x.new === null ? 'the default' : secret(x.name, x.new)}</b> }
            ]}
          />
          <p>The connector starts anew with it, from its last durable position. {preflight.data?.errors ? preflight.data.text : ''}</p>
        </>
      ),
      button: 'Apply',
      busy: 'Applying…',
      run: () => change('PUT', api(c.name, 'config'), draft.config),
      done: `${c.name} has its new configuration`,
      then: () => {
        setDraft(null);
        void answer.reload();
      }
    });
  return (
    <div class="cols-form">
      <section class="panel pad">
        <div class="bar tight">
          <Segments
            label="Edit as"
            items={['Form', 'JSON']}
            value={by}
            onPick={v => {
              setText(writeDraft(draft));
              setFault(null);
              setBy(v);
            }}
          />
        </div>
        {by === 'Form' ? (
          <FormView draft={draft} onDraft={take} preflight={preflight.data} focus={focus} fixedName />
        ) : (
          <JsonView
            text={text}
            fault={fault}
            onText={typed => {
              setText(typed);
              const read = readDraft(typed);
              setFault(typeof read === 'string' ? read : null);
              if (typeof read !== 'string') setDraft({ name: c.name, config: read.config });
            }}
          />
        )}
      </section>
      <PreflightPanel
        result={preflight}
        why={fault ? 'The JSON cannot be read yet.' : null}
        onFix={patch => take({ name: c.name, config: applyPatch(draft.config, patch) })}
        foot={
          <>
            <Button kind="primary" changes disabled={!changes.length || fault !== null} onClick={review}>
              {changes.length ? `Review ${f.plural(changes.length, 'change')}` : 'Nothing is changed'}
            </Button>
            <Button onClick={() => setDraft(null)}>Forget them</Button>
          </>
        }
      />
    </div>
  );
}

export function Offsets({ c }: { c: Connector }) {
  const answer = useAnswer<string>(api(c.name, 'offsets'), getText), [text, setText] = useState<string | null>(null), [error, setError] = useState<ErrorBody | null>(null);
  const stopped = /stopped/i.test(c.word);
  let fault: string | null = null;
  if (text !== null)
    try {
      JSON.parse(text);
    } catch (e) {
      fault = (e as Error).message;
    }
  return (
    <Shown answer={answer} panel>
      {offsets => {
        /* Never read as numbers: positions have 64 bits. */
        const shown = [...tokens(offsets, true)].map(([part]) => part).join('');
        return (
          <Panel title="Offsets" extra="as Connect stores them">
            <div class="pad16">
              {text === null ? <Code text={shown} label="Offsets" json /> : <textarea class="mono" rows={14} spellcheck={false} aria-label="Offsets as JSON" value={text} onInput={e => setText(e.currentTarget.value)} />}
              {fault ? <p class="hint is-crit">Not valid JSON: {fault}</p> : null}
              {error ? <ErrorLine error={error} /> : null}
              {stopped ? null : (
                <p>
                  <Status state="info">Offsets can be changed only while the connector is stopped.</Status>
                </p>
              )}
              <div class="row">
                {text === null ? (
                  <>
                    <Button changes disabled={!stopped} onClick={() => setText(shown)}>
                      Edit
                    </Button>
                    <Button
                      changes
                      disabled={!stopped}
                      onClick={() =>
                        ask({
                          title: `Reset the offsets of ${c.name}?`,
                          effect: <p>The position is forgotten. At its next start the connector takes a snapshot as if it were new; rows that are in the topics arrive again.</p>,
                          command: curl('DELETE', api(c.name, 'offsets')),
                          name: c.name,
                          button: 'Reset',
                          busy: 'Resetting…',
                          run: () => change('DELETE', api(c.name, 'offsets')),
                          done: 'The offsets are forgotten',
                          then: answer.reload
                        })
                      }
                    >
                      Reset…
                    </Button>
                  </>
                ) : (
                  <>
                    <Button
                      kind="primary"
                      changes
                      disabled={fault !== null}
                      busy="Applying…"
                      onClick={async () => {
                        try {
                          setError(null);
                          /* As typed: a position has 64 bits, and reading it as a number would round it. */
                          await change('PATCH', api(c.name, 'offsets'), text);
                          setText(null);
                          say('The offsets are changed');
                          await answer.reload();
                        } catch (e) {
                          setError(asError(e));
                        }
                      }}
                    >
                      Apply
                    </Button>
                    <Button onClick={() => setText(null)}>Forget it</Button>
                  </>
                )}
              </div>
            </div>
          </Panel>
        );
      }}
    </Shown>
  );
}

export function Log({ path }: { path: string }) {
  return (
    <Panel label="Log">
      <LogView path={path} />
    </Panel>
  );
}

/* What only a stopped connector lets do; stopping takes a moment. */
async function patiently(run: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++)
    try {
      await run();
      return;
    } catch (e) {
      if (!(e instanceof ApiError) || (e.status !== 409 && e.status !== 400) || tries === 60) throw e;
      await new Promise(later => setTimeout(later, 250));
    }
}

/*
 * Without the slot its position is of no use, and would keep a connector of the same name from starting. The connector goes last: its
 * configuration says where the slot is.
 */
async function drop(name: string, slot: string): Promise<void> {
  await change('PUT', api(name, 'stop'));
  await patiently(() => change('DELETE', api(name, 'offsets')));
  await patiently(() =>
    change('DELETE', at('slots', slot), { confirm: slot }).catch(e => {
      if (!(e instanceof ApiError && e.status === 404)) throw e; /* it is gone already */
    })
  );
}

/* Deleting asks about the slot explicitly. */
export function DeleteConnector({ c, close }: { c: Connector; close: () => void }) {
  const [slot, setSlot] = useState<'keep' | 'drop' | null>(null), [typed, setTyped] = useState(''), [error, setError] = useState<ErrorBody | null>(null);
  const growth = overview.get()?.slots.find(s => s.slot === c.slot)?.growth_bytes_per_s ?? null;
  const run = async () => {
    try {
      setError(null);
      if (slot === 'drop' && c.slot) await drop(c.name, c.slot);
      await change('DELETE', api(c.name));
      close();
      say(slot === 'drop' ? `${c.name} and its slot are deleted` : `${c.name} is deleted; slot ${c.slot} stays`);
      go('/connectors');
    } catch (e) {
      setError(asError(e));
    }
  };
  return (
    <Dialog
      title={`Delete ${c.name}?`}
      close={close}
      foot={
        <>
          <CopyButton text={`tailrace connectors delete ${c.name}` + (slot === 'drop' ? ' --drop-slot' : '')}>Copy as command</CopyButton>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button kind="danger" changes disabled={slot === null || typed !== c.name} busy="Deleting…" onClick={run}>
            Delete
          </Button>
        </>
      }
    >
      <p>Capture ends. The topics and what is in them stay.</p>
      <fieldset class="pick">
        <legend class="lab">What about the slot {c.slot}?</legend>
        <label>
          <input type="radio" name="slot" checked={slot === 'keep'} onChange={() => setSlot('keep')} />
          <span>
            <b>Keep it.</b> A connector of the same name goes on from there; meanwhile PostgreSQL keeps WAL for it{growth ? `, ${f.bytes(growth * 3600)} an hour at the present rate` : ''}.
          </span>
        </label>
        <label>
          <input type="radio" name="slot" checked={slot === 'drop'} onChange={() => setSlot('drop')} />
          <span>
            <b>Drop it.</b> PostgreSQL frees {c.wal_bytes === null ? 'its WAL' : f.bytes(c.wal_bytes)}; its position is forgotten, and a later start takes a new snapshot.
          </span>
        </label>
      </fieldset>
      <label class="form-row">
        <span>
          Type <code>{c.name}</code> to confirm. This cannot be undone.
        </span>
        <input class="mono" type="text" spellcheck={false} autocomplete="off" value={typed} placeholder={c.name} onInput={e => setTyped(e.currentTarget.value)} />
      </label>
      {error ? <ErrorLine error={error} /> : null}
    </Dialog>
  );
}
