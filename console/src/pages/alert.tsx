/* alert.tsx: one alert: what, why it fired, its inputs, its way, who was told. */
import { useState } from 'preact/hooks';
import { asError, at, change, query } from '../lib/api';
import * as f from '../lib/format';
import { useAnswer } from '../lib/hooks';
import { useKeys } from '../lib/keys';
import { useWatch } from '../lib/stream';
import type { Alert, AlertState, ErrorBody, EvaluateAgain } from '../lib/types';
import { Button, copy, Dots, Facts, Panel, When } from '../parts/basic';
import { isNumber, Value } from '../parts/cell';
import { Dialog, ErrorLine, openDialog } from '../parts/dialog';
import { Menu } from '../parts/menu';
import { Shown } from '../parts/states';
import { Mark, opWord, Status } from '../parts/status';
import { say } from '../parts/toast';
import { Waterfall } from '../parts/waterfall';
import { WindowPlot } from '../parts/window-plot';
import { setAlert, WORDS } from './alerts';

function Why({ a }: { a: Alert }) {
  const [again, setAgain] = useState<EvaluateAgain | null>(null), [error, setError] = useState<ErrorBody | null>(null), points = a.conditions.some(c => c.points !== null);
  return (
    <Panel title="Why it fired" extra={a.total ? `total ${a.total.limit.replace('>', 'above').replace('<', 'below')}` : null}>
      <table class="why">
        <thead>
          <tr>
            <th scope="col">Condition</th>
            <th scope="col" class="num">
              Was
            </th>
            <th scope="col" class="num">
              Limit
            </th>
            <th scope="col" class="num">
              {points ? 'Points' : 'Held'}
            </th>
          </tr>
        </thead>
        <tbody>
          {a.conditions.map((c, i) => (
            <tr key={i} class={c.held ? '' : 'not-held'}>
              <th scope="row">{c.text}</th>
              <td class="num">{c.was === null ? f.DASH : f.digits(c.was)}</td>
              <td class="num">{c.limit === null ? '' : c.limit.replace(/\d+(\.\d+)?/g, n => f.digits(n))}</td>
              <td class="num strong">{points ? (c.held && c.points ? '+' + c.points : '0') : c.held ? 'yes' : 'no'}</td>
            </tr>
          ))}
        </tbody>
        {a.total ? (
          <tfoot>
            <tr>
              <th scope="row">Total</th>
              <td />
              <td class="num">{a.total.limit}</td>
              <td class="num strong is-crit">{a.total.was}</td>
            </tr>
          </tfoot>
        ) : null}
      </table>
      <p class="foot" aria-live="polite">
        <button
          type="button"
          class="link"
          onClick={() =>
            void change<EvaluateAgain>('POST', at('alerts', a.id, 'evaluate')).then(
              r => (setAgain(r), setError(null)),
              e => setError(asError(e))
            )
          }
        >
          Evaluate again
        </button>{' '}
        {error ? `${error.what} ${error.why ?? ''}` : again ? <span class={again.same ? '' : 'is-warn'}>{again.text}</span> : 'uses the inputs and the rule that are stored with it.'}
      </p>
    </Panel>
  );
}

function Window({ a }: { a: Alert }) {
  const w = a.window;
  if (!w) return null;
  const span = f.duration((w.to_us - w.from_us) / 1000), first = w.inputs[0], topic = first?.topic ?? a.topic;
  return (
    <Panel title={`The window: ${f.plural(w.inputs.length, 'input')} in ${span}`} extra={topic && first ? <a href={at('topics', topic) + query({ from: 'offset', at: first.offset, part: String(first.partition) })}>Show them</a> : w.by}>
      <WindowPlot alert={a} />
    </Panel>
  );
}

function Features({ a }: { a: Alert }) {
  if (!a.features?.length) return null;
  const max = Math.max(...a.features.map(x => Math.abs(x.weight)), 1e-9);
  return (
    <Panel title="What the model saw" extra={`by weight · model ${a.model}`}>
      <ul class="bars">
        {a.features.map(x => (
          <li key={x.name}>
            <span>{x.name}</span>
            <b class="num">{x.value ?? f.DASH}</b>
            <i class={x.weight < 0 ? 'minus' : ''} style={{ width: ((Math.abs(x.weight) / max) * 100).toFixed(1) + '%' }} />
            <small class="num">{x.weight.toFixed(3)}</small>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Note({ a, state, close, done }: { a: Alert; state: AlertState; close: () => void; done: () => void }) {
  const [note, setNote] = useState(''), [error, setError] = useState<ErrorBody | null>(null);
  return (
    <Dialog
      title={`${a.id}: ${WORDS[state]}`}
      close={close}
      foot={
        <>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button
            kind="primary"
            changes
            busy="Saving…"
            onClick={async () => {
              try {
                await change('POST', at('alerts', a.id, 'state'), { state, note });
                close();
                say(`${a.id}: ${WORDS[state]}`);
                done();
              } catch (e) {
                setError(asError(e));
              }
            }}
          >
            Save
          </Button>
        </>
      }
    >
      <label class="form-row">
        <span class="lab">Note</span>
        <textarea rows={4} data-first value={note} onInput={e => setNote(e.currentTarget.value)} />
      </label>
      {error ? <ErrorLine error={error} /> : null}
    </Dialog>
  );
}

async function mute(a: Alert, what: 'key' | 'agent', minutes: number): Promise<void> {
  try {
    await change('POST', '/mutes', { agent: a.agent, key: what === 'key' ? a.subject : null, minutes });
    say(`${what === 'key' ? a.subject : a.agent} is muted for ${f.duration(minutes * 60000)}; alerts are still stored and counted`);
  } catch (e) {
    say(asError(e).what, 'crit');
  }
}

export function AlertPage({ id, changed, heading }: { id: string; changed: () => void; heading: boolean }) {
  const answer = useAnswer<Alert>(at('alerts', id)), a = answer.data;
  const done = () => {
    void answer.reload();
    changed();
  };
  const set = (state: AlertState) => a && void setAlert(a, state, done);
  useKeys({ a: () => set('acknowledged') ?? undefined, f: () => set('false_positive') ?? undefined, r: () => set('resolved') ?? undefined });
  useWatch('alerts', 'alert', line => {
    if ('id' in line && line.id === id) void answer.reload();
  });
  const deliver = async (sink: string) => {
    try {
      await change('POST', at('alerts', id, 'deliver'), { sink });
      say(`Sent again to ${sink}`);
      await answer.reload();
    } catch (e) {
      say(asError(e).what, 'crit');
    }
  };
  return (
    <article class="alert">
      <Shown answer={answer} rows={8}>
        {a => {
          const open = a.state === 'open', own = a.hops.findLastIndex(h => /alert/i.test(h.step) && !h.later), seen = a.history.filter(h => h.by && h.by !== a.agent);
          return (
            <>
              <header class="page-head">
                <div class="page-title">
                  {heading ? <h1>{a.title}</h1> : <h2 class="like-h1">{a.title}</h2>}
                </div>
                <div class="page-actions">
                  {a.state === 'open' ? (
                    <Button kind="primary" keys="A" changes busy="…" onClick={() => setAlert(a, 'acknowledged', done)}>
                      Acknowledge
                    </Button>
                  ) : (
                    <Button changes busy="…" onClick={() => setAlert(a, 'open', done)}>
                      Open again
                    </Button>
                  )}
                  <Button keys="F" changes disabled={a.state === 'false_positive'} onClick={() => setAlert(a, 'false_positive', done)}>
                    False positive
                  </Button>
                  <Button keys="R" changes disabled={a.state === 'resolved'} onClick={() => setAlert(a, 'resolved', done)}>
                    Resolve
                  </Button>
                  <Menu
                    title={`More: note, mute ${a.subject}, copy a link`}
                    items={[
                      { text: 'Resolve with a note…', changes: true, run: () => openDialog(close => <Note a={a} state="resolved" close={close} done={done} />) },
                      { text: `Mute ${a.subject} for 1 h`, changes: true, run: () => void mute(a, 'key', 60) },
                      { text: `Mute ${a.subject} for 24 h`, changes: true, run: () => void mute(a, 'key', 1440) },
                      { text: `Mute ${a.agent} for 1 h`, changes: true, run: () => void mute(a, 'agent', 60) },
                      { text: 'Copy a link', run: () => void copy(location.origin + at('alerts', a.id), 'Link copied') }
                    ]}
                  />
                </div>
              </header>
              <p class="sub num">
                <Dots>
                  <Status state={open ? a.severity : 'idle'}>{open ? 'Open' : WORDS[a.state].replace(/^./, c => c.toUpperCase())}</Status>
                  {a.id}
                  <span>
                    <a href={at('agents', a.agent)}>{a.agent}</a>, rule v{a.rule_version}
                  </span>
                  <When at={a.at_us / 1000} ms />
                  {a.commit_to_alert_us ? `${f.micros(a.commit_to_alert_us)} after the commit` : null}
                  {seen.length ? `by ${seen[seen.length - 1]!.by}` : 'seen by nobody yet'}
                </Dots>
              </p>
              <div class="cols-2 even">
                <Why a={a} />
                <Window a={a} />
              </div>
              <Features a={a} />
              {a.hops.length ? (
                <Panel title="From commit to alert" extra={a.commit_to_alert_us ? <span class="num strong">{f.micros(a.commit_to_alert_us)}</span> : null}>
                  <Waterfall hops={a.hops} own={own} />
                </Panel>
              ) : null}
              <div class="cols-2 even">
                <Panel title="The row" extra={a.topic && a.offset !== null && a.offset !== undefined ? <a href={at('topics', a.topic) + query({ p: a.partition ?? 0, o: a.offset })}>{`partition ${a.partition}, offset ${f.int(a.offset)}`}</a> : null}>
                  {a.row ? (
                    <Facts list={[...a.row.columns.map(c => [c.name, <Value value={c.after ?? c.before} type={c.type} />, isNumber(c.type) && !/^int|^big|^small/.test(c.type) ? c.type : undefined] as [string, preact.ComponentChildren, preact.ComponentChildren?]), ['Change', opWord(a.row.op)]]} />
                  ) : (
                    <p class="pad-line">The row is no longer in the log.</p>
                  )}
                </Panel>
                <Panel title="Delivered to">
                  {a.deliveries.length ? (
                    <ul class="sinks">
                      {a.deliveries.map(d => (
                        <li key={d.sink}>
                          <Status state={d.state}>{d.kind === 'webhook' ? `${d.sink} webhook` : `${d.kind} ${d.sink}`}</Status>
                          <span class="num">
                            {[d.answer, d.took_us === null ? null : (d.answer ? 'in ' : '') + f.micros(d.took_us)].filter(Boolean).join(' ')}
                            {d.tries > 1 || d.kind === 'webhook' ? `, try ${d.tries}` : ''}
                            {d.next_ms ? `, next in ${f.duration(Math.max(0, d.next_ms - f.nowMs()))}` : ''}
                            {d.kind === 'webhook' || d.state !== 'ok' ? (
                              <Button kind="small" changes busy="Sending…" onClick={() => deliver(d.sink)}>
                                Send again
                              </Button>
                            ) : null}
                          </span>
                        </li>
                      ))}
                    </ul>
                  ) : (
                    <p class="pad-line">Nobody yet: it is in its topic, and no sink is configured.</p>
                  )}
                  <h3>History</h3>
                  <ol class="events">
                    {a.history.map((h, i) => (
                      <li key={i}>
                        <When at={h.at_ms} />
                        <Mark state={h.state === 'open' ? a.severity : 'idle'} />
                        <b>{h.state === 'open' ? 'opened' : WORDS[h.state]}</b>
                        <span>
                          {h.by ? `by ${h.by}` : ''}
                          {h.note ? `: ${f.visible(h.note)}` : ''}
                        </span>
                      </li>
                    ))}
                  </ol>
                </Panel>
              </div>
            </>
          );
        }}
      </Shown>
    </article>
  );
}
