/* dialog.tsx: dialogs, and the question before a change. Focus stays inside and returns to where it came from. */
import { Fragment, type ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { asError } from '../lib/api';
import { useKeys } from '../lib/keys';
import { createStore, useStore } from '../lib/store';
import type { ErrorBody } from '../lib/types';
import { Button, CopyButton } from './basic';
import { Mark } from './status';
import { say } from './toast';

interface Open {
  id: number;
  draw: (close: () => void) => ComponentChildren;
}
const layers = createStore<Open[]>([]);
let last = 0;

/* Opens a dialog; `draw` gets the function that closes it. */
export function openDialog(draw: Open['draw']): void {
  layers.set([...layers.get(), { id: ++last, draw }]);
}
export function Layers() {
  return (
    <>
      {useStore(layers).map(layer => (
        <Fragment key={layer.id}>{layer.draw(() => layers.set(layers.get().filter(l => l.id !== layer.id)))}</Fragment>
      ))}
    </>
  );
}

const FOCUSABLE = 'a[href],button:not([disabled]),input:not([disabled]),select:not([disabled]),textarea:not([disabled]),summary,[tabindex="0"]';

/* Keeps Tab inside while it is shown and gives the focus back afterwards. */
export function useTrap(close: () => void, first?: string) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const from = document.activeElement as HTMLElement | null;
    const inside = box.current!;
    (inside.querySelector<HTMLElement>(first ?? '[data-first]') ?? inside.querySelector<HTMLElement>(FOCUSABLE) ?? inside).focus();
    const keep = (event: KeyboardEvent) => {
      if (event.key !== 'Tab') return;
      const all = [...inside.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(e => e.offsetParent !== null);
      const at = all.indexOf(document.activeElement as HTMLElement);
      const to = event.shiftKey ? (at <= 0 ? all.length - 1 : -1) : at === all.length - 1 || at < 0 ? 0 : -1;
      if (to < 0 || !all.length) return;
      event.preventDefault();
      all[to]!.focus();
    };
    inside.addEventListener('keydown', keep);
    return () => {
      inside.removeEventListener('keydown', keep);
      if (from?.isConnected) from.focus();
    };
  }, []);
  useKeys({ Escape: close });
  return box;
}

export function Dialog({ title, children, close, wide, foot }: { title: string; children: ComponentChildren; close: () => void; wide?: boolean; foot?: ComponentChildren }) {
  const box = useTrap(close);
  return (
    <div class="back" onMouseDown={event => event.target === event.currentTarget && close()}>
      <div class={'dialog' + (wide ? ' wide' : '')} role="dialog" aria-modal="true" aria-label={title} ref={box} tabIndex={-1}>
        <header class="dialog-head">
          <h2>{title}</h2>
          <Button icon="x" kind="quiet" title="Close" onClick={close} />
        </header>
        <div class="dialog-body">{children}</div>
        {foot ? <footer class="dialog-foot">{foot}</footer> : null}
      </div>
    </div>
  );
}

export function ErrorLine({ error }: { error: ErrorBody }) {
  return (
    <p class="error-line" role="alert">
      <Mark state="crit" />
      <span>
        <b>{error.what}</b> {error.why?.replace(/[\w'")]$/, '$&.')} {error.todo}
      </span>
    </p>
  );
}

export interface Question {
  title: string;
  /* The effect in numbers: text, or asked from the server with dry_run */
  effect?: ComponentChildren | (() => Promise<ComponentChildren>);
  command?: string;
  /* What has to be typed, for what cannot be undone */
  name?: string;
  button: string;
  busy: string;
  danger?: boolean;
  extra?: ComponentChildren;
  run: () => Promise<unknown>;
  done: string;
  then?: (() => unknown) | undefined;
}

function Ask({ q, close }: { q: Question; close: () => void }) {
  const [effect, setEffect] = useState<ComponentChildren>(typeof q.effect === 'function' ? null : q.effect);
  const [error, setError] = useState<ErrorBody | null>(null), [typed, setTyped] = useState('');
  useEffect(() => {
    let alive = true;
    if (typeof q.effect === 'function')
      q.effect().then(
        (text: ComponentChildren) => alive && setEffect(text),
        (e: unknown) => alive && setError(asError(e))
      );
    return () => void (alive = false);
  }, []);
  const ready = q.name === undefined || typed === q.name;
  return (
    <Dialog
      title={q.title}
      close={close}
      foot={
        <>
          {q.command ? (
            <CopyButton text={q.command}>Copy as command</CopyButton>
          ) : null}
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button
            kind={q.danger || q.name !== undefined ? 'danger' : 'primary'}
            changes
            disabled={!ready}
            busy={q.busy}
            onClick={async () => {
              setError(null);
              try {
                await q.run();
                close();
                say(q.done);
                void q.then?.();
              } catch (e) {
                setError(asError(e));
              }
            }}
          >
            {q.button}
          </Button>
        </>
      }
    >
      <div aria-live="polite">{effect}</div>
      {q.extra}
      {q.name !== undefined ? (
        <label class="form-row">
          <span>
            Type <code>{q.name}</code> to confirm. This cannot be undone.
          </span>
          <input class="mono" type="text" spellcheck={false} autocomplete="off" value={typed} placeholder={q.name} data-first onInput={e => setTyped(e.currentTarget.value)} />
        </label>
      ) : null}
      {error ? <ErrorLine error={error} /> : null}
    </Dialog>
  );
}

export function ask(question: Question): void {
  openDialog(close => <Ask q={question} close={close} />);
}
