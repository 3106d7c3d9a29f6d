/* alert.tsx: one alert: what, why it fired, its inputs, its way, who was told. */
import { useEffect, useState } from 'preact/hooks';
import { asError, at, change, query } from '../lib/api';
import * as f from '../lib/format';
import { useAnswer } from '../lib/hooks';
import { useKeys } from '../lib/keys';
import { createStore } from '../lib/store';
import { useBegin, useWatch } from '../lib/stream';
import type { Alert, AlertState, ErrorBody, EvaluateAgain, Mute } from '../lib/types';
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
  const count = w.inputs_total ?? w.inputs.length, first = w.inputs.find(i => i.offset !== null && !i.gone), topic = first?.topic ?? a.topic;
  return (
    <Panel title={`The window: ${w.by === 'count' ? `the last ${f.int(count)}` : `${f.plural(count, 'input')} in ${f.duration((w.to_us - w.from_us) / 1000)}`}`} extra={topic && first ? <a href={at('topics', topic) + query({ from: 'offset', at: String(first.offset), part: String(first.partition) })}>Show them</a> : w.by}>
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

/* Rises when a mute was made or ended. */
export const mutes = createStore(0);

export async function endMute(id: string): Promise<void> {
  try {
    await change('DELETE', at('mutes', id));
    mutes.set(mutes.get() + 1);
  } catch (e) {
    say(asError(e).what, 'crit');
  }
}

async function mute(a: Alert, what: 'key' | 'agent', minutes: number): Promise<void> {
  try {
    const mute = await change<Mute>('POST', '/mutes', { agent: a.agent, key: what === 'key' ? a.key : null, minutes });
    mutes.set(mutes.get() + 1);
    say(`${what === 'key' ? a.subject : a.agent} is muted for ${f.duration(minutes * 60000)}; alerts are still stored and counted`, 'ok', () => void endMute(mute.id));
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
  useBegin(answer.reload);
  useWatch('alerts', 'alert', line => {
    if ('id' in line && line.id === id) void answer.reload();
  });
  /* What is not delivered yet is looked at again. */
  useEffect(() => {
    if (!a?.deliveries.some(d => d.state !== 'ok')) return;
    const timer = setTimeout(() => void answer.reload(), 2000);
    return () => clearTimeout(timer);
  }, [a]);
  const deliver = async (sink: string) => {
    try {
      const d = (await change<Alert>('POST', at('alerts', id, 'deliver'), { sink })).deliveries.find(x => x.sink === sink);
      say(d?.state === 'ok' ? `Sent again to ${sink}` : `${sink}: ${d?.answer ?? 'no answer yet'}`, d?.state === 'ok' ? 'ok' : 'crit');
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
                      ...(a.key
                        ? [
                            { text: `Mute ${a.subject ?? a.key} for 1 h`, changes: true, run: () => void mute(a, 'key', 60) },
                            { text: `Mute ${a.subject ?? a.key} for 24 h`, changes: true, run: () => void mute(a, 'key', 1440) }
                          ]
                        : []),
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
                    {a.problem ? a.agent : <a href={at('agents', a.agent ?? '')}>{a.agent}</a>}, {a.problem ? a.rule : `rule v${a.rule_version}`}
                  </span>
                  <When at={a.at_us / 1000} ms />
                  {a.commit_to_alert_us ? `${f.micros(a.commit_to_alert_us)} after the commit` : null}
                  {a.mute ? 'muted: not sent' : null}
                  {a.folded ? `${f.int(a.folded)} before it were folded` : null}
                  {seen.length ? `by ${seen[seen.length - 1]!.by}` : 'seen by nobody yet'}
                </Dots>
              </p>
              {a.problem ? (
                <Panel title={a.problem.closed ? 'What was wrong' : 'What is wrong'}>
                  <p class="pad-line">{a.problem.why}</p>
                  <p class="pad-line">
                    <b>Do: </b>
                    {a.problem.todo}
                  </p>
                </Panel>
              ) : (
                <div class={a.window ? 'cols-2 even' : ''}>
                  <Why a={a} />
                  <Window a={a} />
                </div>
              )}
              <Features a={a} />
              {a.hops.length ? (
                <Panel title="From commit to alert" extra={a.commit_to_alert_us ? <span class="num strong">{f.micros(a.commit_to_alert_us)}</span> : null}>
                  <Waterfall hops={a.hops} own={own} />
                </Panel>
              ) : null}
              <div class="cols-2 even">
                <Panel title="The row" extra={a.topic && a.offset !== null && a.offset !== undefined ? <a href={at('topics', a.topic) + query({ p: a.partition ?? 0, o: a.offset })}>{`partition ${a.partition}, offset ${f.int(a.offset)}`}</a> : null}>
                  {a.row ? (
                    <Facts list={[...a.row.columns.map(c => [c.name, c.masked ? <span class="is-idle">hidden</span> : <Value value={c.after ?? c.before} type={c.type} />, isNumber(c.type) && !/^int|^big|^small/.test(c.type) ? c.type : undefined] as [string, preact.ComponentChildren, preact.ComponentChildren?]), ['Change', opWord(a.row.op)]]} />
                  ) : (
                    <p class="pad-line">The row is no longer in the log.</p>
                  )}
                </Panel>
                <Panel title="Delivered to">
                  {a.deliveries.length ? (
                    <ul class="sinks">
                      {a.deliveries.map(d => (
                        <li key={d.sink}>
                          <Status state={d.state}>
                            {d.kind === 'webhook' ? `${d.sink} webhook` : `${d.kind} ${d.sink}`}
                            {d.word && d.state !== 'ok' ? `: ${d.word.toLowerCase()}` : ''}
                          </Status>
                          <span class="num">
                            {[d.answer, d.took_us === null ? null : (d.answer ? 'in ' : '') + f.micros(d.took_us)].filter(Boolean).join(' ')}
                            {d.tries > 1 || (d.tries && d.kind === 'webhook') ? `, try ${d.tries}` : ''}
                            {d.next_ms && d.next_ms > f.nowMs() ? `, next in ${f.duration(d.next_ms - f.nowMs())}` : ''}
                            {' '}
                            <Button kind="small" changes busy="Sending…" onClick={() => deliver(d.sink)}>
                              Send again
                            </Button>
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
