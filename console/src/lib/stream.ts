/*
 * stream.ts: the page's one live stream. What the parts on the page watch is joined into one request; when that changes,
 * a new stream opens and the old one closes after the first event of the new one. A hidden tab lets go after 30 s.
 */
import { useEffect, useRef } from 'preact/hooks';
import { open, loginNeeded, me, asError, query } from './api';
import { setClock } from './clock';
import { readEvents } from './sse';
import { createStore } from './store';
import type { StreamEvents } from './types';

export interface Link {
  state: 'connecting' | 'live' | 'down';
  /* By the browser's own clock: when the last word came, and when the next try is */
  heard_ms: number;
  next_ms: number | null;
}
export const link = createStore<Link>({ state: 'connecting', heard_ms: Date.now(), next_ms: null });
export const starting = createStore<StreamEvents['starting'] | null>(null);
export const updated = createStore(false);
export const goodbye = createStore<string | null>(null);

const SILENCE_MS = 15_000, HIDDEN_MS = 30_000;
const AGAIN_MS = [500, 1000, 2000, 5000];

type Told = { event: string; name: string | null; tell: (data: never) => void };
const listeners = new Set<Told>();
const watches = new Map<string, number>();
let current: { watch: string; abort: AbortController } | null = null;
let tries = 0, timer: number | undefined, planned = false, version: string | null = null;

const wanted = () => [...watches.keys()].sort().slice(0, 20).join(',');

function nameOf(event: string, data: Record<string, unknown>): string | null {
  if (event === 'topic') return (data.topic as { name: string } | undefined)?.name ?? null;
  const name = data[event] ?? data.name;
  return typeof name === 'string' ? name : null;
}

function tell(event: string, text: string): void {
  let data: Record<string, unknown>;
  try {
    data = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return; /* a torn event: the next full one comes within a second */
  }
  if (event === 'hello') {
    const hello = data as unknown as StreamEvents['hello'];
    setClock(hello.now_ms);
    if (version !== null && version !== hello.version) updated.set(true);
    version = hello.version;
    const who = me.get();
    if (who && who.access !== hello.access) me.set({ ...who, access: hello.access });
  }
  if (event === 'bye') goodbye.set((data as unknown as StreamEvents['bye']).reason);
  else if (event !== 'starting') goodbye.set(null);
  starting.set(event === 'starting' ? (data as unknown as StreamEvents['starting']) : event === 'hello' ? starting.get() : null);
  const name = nameOf(event, data);
  for (const l of [...listeners]) if (l.event === event && (l.name === null || l.name === name)) l.tell(data as never);
}

async function run(watch: string): Promise<void> {
  const previous = current, mine = { watch, abort: new AbortController() };
  current = mine;
  let first = true;
  try {
    const body = await open('/stream' + query({ watch }), { signal: mine.abort.signal });
    await readEvents(body, ({ event, data }) => {
      if (first) {
        first = false;
        tries = 0;
        previous?.abort.abort();
      }
      link.set({ state: 'live', heard_ms: Date.now(), next_ms: null });
      if (event !== '') tell(event, data);
    });
  } catch (error) {
    if (mine.abort.signal.aborted) return;
    asError(error);
  }
  previous?.abort.abort();
  if (current === mine) {
    current = null;
    again();
  }
}

function again(): void {
  if (document.hidden) return;
  const wait = AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]!;
  link.set({ ...link.get(), state: link.get().state === 'live' ? 'connecting' : link.get().state, next_ms: Date.now() + wait });
  clearTimeout(timer);
  timer = window.setTimeout(connect, wait);
}

function connect(): void {
  clearTimeout(timer);
  timer = undefined;
  link.set({ ...link.get(), next_ms: null });
  void run(wanted());
}

/* "Try now" of the strip. */
export function connectNow(): void {
  current?.abort.abort();
  current = null;
  tries = 0;
  connect();
}

/* Several parts change what they watch while one page gives way to the next: one request for all of it. */
function plan(): void {
  if (planned) return;
  planned = true;
  setTimeout(() => {
    planned = false;
    if (!document.hidden && (!current || current.watch !== wanted()) && watches.size) connect();
  }, 30);
}

setInterval(() => {
  const l = link.get();
  if (document.hidden || loginNeeded.get() || l.state === 'down' || Date.now() - l.heard_ms < SILENCE_MS) return;
  link.set({ ...l, state: 'down' });
  if (current) connectNow();
}, 1000);

let hiddenTimer: number | undefined;
document.addEventListener('visibilitychange', () => {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = window.setTimeout(() => {
      current?.abort.abort();
      current = null;
      clearTimeout(timer);
    }, HIDDEN_MS);
  } else if (!current && watches.size) {
    link.set({ state: 'connecting', heard_ms: Date.now(), next_ms: null });
    tries = 0;
    connect();
  }
});

export function watch<E extends keyof StreamEvents>(what: string | null, event: E, name: string | null, told: (data: StreamEvents[E]) => void): () => void {
  const listener: Told = { event, name, tell: told as (data: never) => void };
  listeners.add(listener);
  if (what !== null) watches.set(what, (watches.get(what) ?? 0) + 1);
  plan();
  return () => {
    listeners.delete(listener);
    if (what === null) return;
    const left = (watches.get(what) ?? 1) - 1;
    if (left > 0) watches.set(what, left);
    else watches.delete(what);
    plan();
  };
}

/* What came after an answer and before the stream that tells news began is in neither: whenever a stream begins, it is asked for again. */
export const useBegin = (reload: () => unknown): void => useWatch(null, 'hello', reload);

/* useWatch('group:customers-service', 'group', …): `what` is the entry of watch=, null listens to what others watch. */
export function useWatch<E extends keyof StreamEvents>(what: string | null, event: E, told: (data: StreamEvents[E]) => void): void {
  const latest = useRef(told);
  latest.current = told;
  useEffect(() => {
    const name = what !== null && what.includes(':') ? what.slice(what.indexOf(':') + 1) : null;
    return watch(what, event, name, data => latest.current(data));
  }, [what, event]);
}
