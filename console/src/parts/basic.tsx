/* basic.tsx: the small parts that every page is made of. */
import { Fragment, toChildArray, type ComponentChildren, type JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, me } from '../lib/api';
import { second } from '../lib/clock';
import * as f from '../lib/format';
import { prefs } from '../lib/prefs';
import { link } from '../lib/stream';
import { useStore } from '../lib/store';
import type { Rich } from '../lib/types';
import { Icon, type IconName } from './icon';
import { say } from './toast';

export interface ButtonProps {
  children?: ComponentChildren;
  icon?: IconName;
  kind?: 'primary' | 'quiet' | 'small' | 'danger';
  title?: string;
  keys?: string;
  disabled?: boolean;
  pressed?: boolean;
  onClick?: (event: MouseEvent) => void | Promise<unknown>;
  href?: string;
  /* This button changes something: off when this browser may only look, or when nothing is connected. */
  changes?: boolean;
  /* The verb while the change runs: "Stopping…" */
  busy?: string;
  type?: 'submit';
  class?: string;
  expanded?: boolean;
}

/* Why a button that changes something is off, or null. */
export function useBlocked(): string | null {
  const who = useStore(me), connection = useStore(link);
  if (who && who.access !== 'write') return who.read_only_why ?? 'This console may only look.';
  return connection.state === 'down' ? 'There is no connection to Tailrace.' : null;
}

export function Button(p: ButtonProps) {
  const blocked = useBlocked(), [running, setRunning] = useState(false), alive = useRef(true);
  useEffect(() => () => void (alive.current = false), []);
  const off = p.disabled || running || (p.changes ? blocked !== null : false);
  const label = p.children === undefined || p.children === null;
  const inside = (
    <>
      {p.icon ? <Icon name={p.icon} /> : null}
      {label ? null : <span>{running && p.busy ? p.busy : p.children}</span>}
      {p.keys && prefs.get().letters ? <kbd>{p.keys}</kbd> : null}
    </>
  );
  const cls = 'btn' + (p.kind ? ' ' + p.kind : '') + (p.class ? ' ' + p.class : '');
  if (p.href !== undefined && !off)
    return (
      <a class={cls} href={p.href} title={p.title} aria-label={label ? p.title : undefined}>
        {inside}
      </a>
    );
  return (
    <button
      type={p.type ?? 'button'}
      class={cls}
      title={p.changes && blocked ? blocked : p.title}
      aria-label={label ? p.title : undefined}
      aria-pressed={p.pressed}
      aria-expanded={p.expanded}
      disabled={off}
      onClick={async event => {
        const ends = p.onClick?.(event);
        if (!(ends instanceof Promise)) return;
        setRunning(true);
        try {
          await ends;
        } finally {
          if (alive.current) setRunning(false);
        }
      }}
    >
      {inside}
    </button>
  );
}

export function Segments<T extends string>({ label, items, value, onPick }: { label: string; items: readonly (T | [T, ComponentChildren])[]; value: T; onPick: (value: T) => void }) {
  return (
    <div class="seg" role="group" aria-label={label}>
      {items.map(item => {
        const [name, text] = Array.isArray(item) ? item : [item, item];
        return (
          <button type="button" key={name} aria-pressed={name === value} onClick={() => onPick(name)}>
            {text}
          </button>
        );
      })}
    </div>
  );
}

export function Panel({ title, extra, children, class: cls, label }: { title?: ComponentChildren; extra?: ComponentChildren; children?: ComponentChildren; class?: string; label?: string }) {
  return (
    <section class={'panel' + (cls ? ' ' + cls : '')} aria-label={label ?? (typeof title === 'string' ? title : undefined)}>
      {title ? (
        <header class="panel-head">
          <h2>{title}</h2>
          <div class="panel-extra">{extra}</div>
        </header>
      ) : null}
      {children}
    </section>
  );
}

export function Head({ title, sub, children }: { title: ComponentChildren; sub?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <header class="page-head">
      <div class="page-title">
        <h1>{title}</h1>
        {sub ? <p class="sub">{sub}</p> : null}
      </div>
      {children ? <div class="page-actions">{children}</div> : null}
    </header>
  );
}

export function Tabs({ items, current }: { items: [string, string, ComponentChildren?][]; current: string }) {
  return (
    <nav class="tabs" aria-label="Parts of this page">
      {items.map(([name, href, count]) => (
        <a key={name} href={href} aria-current={name === current ? 'page' : undefined}>
          {name}
          {count !== undefined && count !== null ? <small class="num">{count}</small> : null}
        </a>
      ))}
    </nav>
  );
}

/* Facts in a row with dots between */
export function Dots({ children }: { children: ComponentChildren }) {
  return (
    <>
      {toChildArray(children).map((part, i) => (
        <Fragment key={i}>
          {i ? (
            <i class="dot" aria-hidden="true">
              ·
            </i>
          ) : null}
          {typeof part === 'string' || typeof part === 'number' ? <span>{part}</span> : part}
        </Fragment>
      ))}
    </>
  );
}

export function Facts({ list }: { list: [string, ComponentChildren, ComponentChildren?][] }) {
  return (
    <dl class="facts">
      {list.map(([key, value, note]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd>
            {value}
            {note ? <small>{note}</small> : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Stat({ name, value, note, state }: { name: string; value: ComponentChildren; note?: ComponentChildren; state?: string | undefined }) {
  return (
    <div class="stat">
      <dt>{name}</dt>
      <dd class={'num' + (state && state !== 'ok' ? ' is-' + state : '')}>{value}</dd>
      {note ? <dd class="note">{note}</dd> : null}
    </div>
  );
}

/* The stats of a page, with their time when they are not from now. */
export function Stats({ children }: { children: ComponentChildren }) {
  return <dl class="stats">{children}</dl>;
}

export function Meter({ share, state, label }: { share: number; state?: string | undefined; label: string }) {
  const part = Math.max(0, Math.min(1, share));
  return (
    <div class={'meter' + (state && state !== 'ok' ? ' is-' + state : '')} role="meter" aria-valuenow={Math.round(part * 100)} aria-valuemin={0} aria-valuemax={100} aria-label={label}>
      <i style={{ width: (part * 100).toFixed(1) + '%' }} />
    </div>
  );
}

/* What cannot be known is a dash that says why. */
export function Unknown({ why }: { why: string }) {
  return (
    <span class="unknown" title={why} tabIndex={0}>
      <span aria-hidden="true">{f.DASH}</span>
      <span class="sr">not known: {why}</span>
    </span>
  );
}

function both(at_ms: number): string {
  return `${f.fullTime(at_ms, true)} ${f.zoneName(at_ms)}, ${f.ago(at_ms)}`;
}
/* A moment: absolute by default, relative in prose; the other one on hover. */
export function When({ at, relative, ms, label }: { at: number | null | undefined; relative?: boolean; ms?: boolean; label?: string }) {
  useStore(prefs);
  useTick(relative === true);
  if (at === null || at === undefined) return <span class="is-idle">{label ?? f.DASH}</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={both(at)}>
      {relative ? f.ago(at) : f.time(at, ms)}
    </time>
  );
}
/* For how long something has been so. */
export function Since({ at }: { at: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={both(at)}>
      {f.duration(Math.floor(Math.max(0, nowTick() - at) / 1000) * 1000)}
    </time>
  );
}
function useTick(on: boolean): void {
  const [, set] = useState(0);
  useEffect(() => (on ? second.watch(set) : undefined), [on]);
}
function nowTick(): number {
  useTick(true);
  return f.nowMs();
}

export function RichText({ parts }: { parts: Rich[] }) {
  return (
    <>
      {parts.map((part, i) =>
        typeof part === 'string' ? (
          part
        ) : 'code' in part ? (
          <code key={i}>{part.code}</code>
        ) : (
          <a key={i} href={part.link}>
            {part.text}
          </a>
        )
      )}
    </>
  );
}

export async function copy(text: string | Promise<string>, what?: string): Promise<void> {
  try {
    const all = await text;
    await navigator.clipboard.writeText(all);
    say(what ?? (all.length > 65_536 ? `Copied, ${f.int(all.length)} characters` : 'Copied'));
  } catch (e) {
    say(e instanceof ApiError ? e.message : 'The browser does not allow copying here; mark the text and copy it', 'warn');
  }
}

export function CopyButton({ text, title = 'Copy', children, kind = 'quiet' }: { text: string | (() => string | Promise<string>); title?: string; children?: ComponentChildren; kind?: ButtonProps['kind'] }) {
  return (
    <Button icon="copy" kind={kind} title={title} onClick={() => copy(typeof text === 'string' ? text : text())}>
      {children}
    </Button>
  );
}

export function Field({ label, note, children, error, wide }: { label: string; note?: ComponentChildren; children: JSX.Element; error?: string | null | undefined; wide?: boolean }) {
  return (
    <label class={'form-row' + (wide ? ' wide' : '')}>
      <span class="lab">{label}</span>
      <span>
        {children}
        {error ? <small class="is-crit">{error}</small> : note ? <small>{note}</small> : null}
      </span>
    </label>
  );
}
