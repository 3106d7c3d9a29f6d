/* hooks.ts: an answer of the API, kept while it is asked for again, and kept up to date by the stream. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { asError, get, loginNeeded, query } from './api';
import { now } from './clock';
import { link, useBegin, useWatch, type Link } from './stream';
import { useStore } from './store';
import type { ErrorBody, Series, StreamEvents } from './types';

export interface Answer<T> {
  data: T | null;
  error: ErrorBody | null;
  slow: boolean /* nothing yet after 150 ms: time for bones */;
  at_ms: number /* when data came */;
  reload: () => Promise<void>;
  set: (data: T) => void;
}

export function useAnswer<T>(path: string | null, load: (path: string, signal: AbortSignal) => Promise<T> = get): Answer<T> {
  const [state, setState] = useState<{ path: string | null; data: T | null; error: ErrorBody | null; at_ms: number }>({ path: null, data: null, error: null, at_ms: 0 });
  const [slow, setSlow] = useState(false);
  const asked = useRef<AbortController | null>(null);
  const ask = useCallback(async () => {
    if (path === null) return;
    asked.current?.abort();
    const mine = (asked.current = new AbortController());
    const late = setTimeout(() => setSlow(true), 150);
    try {
      const data = await load(path, mine.signal);
      if (!mine.signal.aborted) setState({ path, data, error: null, at_ms: now() });
    } catch (error) {
      if (!mine.signal.aborted) setState(s => ({ path, data: s.path === path ? s.data : null, error: asError(error), at_ms: s.at_ms }));
    } finally {
      clearTimeout(late);
      if (!mine.signal.aborted) setSlow(false);
    }
  }, [path]);
  useEffect(() => {
    void ask();
    return () => asked.current?.abort();
  }, [ask]);
  useBack(() => state.error?.code === 'UNREACHABLE' && void ask());
  const set = useCallback(
    (data: T) => {
      asked.current?.abort(); /* what is on its way is older */
      setSlow(false);
      setState({ path, data, error: null, at_ms: now() });
    },
    [path]
  );
  const mine = state.path === path;
  return { data: mine ? state.data : null, error: mine ? state.error : null, slow, at_ms: state.at_ms, reload: ask, set };
}

/* The same, and every `event` of the stream for `watched` takes its place. */
export function useLive<E extends keyof StreamEvents>(path: string, watched: string, event: E): Answer<StreamEvents[E]> {
  const answer = useAnswer<StreamEvents[E]>(path);
  useWatch(watched, event, answer.set);
  /* Deleted elsewhere: the answer says when, and by whom. */
  useWatch(null, 'gone', it => watched === it.kind + ':' + it.name && void answer.reload());
  useBack(() => void answer.reload(), ['down']);
  return answer;
}

/* Told when the stream is there again after it was in one of these states. */
export function useBack(told: () => void, after: Link['state'][] = ['connecting', 'down']): void {
  const { state } = useStore(link), was = useRef(state);
  useEffect(() => {
    if (state === 'live' && after.includes(was.current)) told();
    was.current = state;
  }, [state]);
}

/* Asks again every few seconds while somebody looks: for what no stream tells. */
export function useAgain(reload: () => Promise<void>, ms = 5000): void {
  const latest = useRef(reload);
  latest.current = reload;
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && link.get().state !== 'down' && !loginNeeded.get() && void latest.current(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

/* Series up to now, asked again every 15 s; the old ones stay until the new ones are there. */
export function useSeries(names: string[], span_ms: number, points = 60): Answer<Series> {
  const list = names.join(','), [state, setState] = useState<{ list: string; data: Series | null; error: ErrorBody | null }>({ list, data: null, error: null });
  const ask = useCallback(async () => {
    if (!list) return;
    try {
      const data = await get<Series>('/series' + query({ names: list, from_ms: Math.round(now() - span_ms), to_ms: Math.round(now()), points }));
      setState({ list, data, error: null });
    } catch (error) {
      setState(s => ({ list, data: s.list === list ? s.data : null, error: asError(error) }));
    }
  }, [list, span_ms, points]);
  useEffect(() => void ask(), [ask]);
  useAgain(ask, 15_000);
  const mine = state.list === list;
  return { data: mine ? state.data : null, error: mine ? state.error : null, slow: false, at_ms: 0, reload: ask, set: data => setState({ list, data, error: null }) };
}

/* Asks again when a stream begins, and when the number of the list rose, at most every 2 s. */
export function useRevision(list: string, reload: () => Promise<void>): void {
  const seen = useRef<number | null>(null), begun = useRef(false), asked = useRef(0), timer = useRef<number | undefined>(undefined);
  const latest = useRef(reload);
  latest.current = reload;
  useEffect(() => () => clearTimeout(timer.current), []);
  useBegin(() => {
    begun.current = true;
    void latest.current();
  });
  useWatch('revision', 'revision', numbers => {
    const revision = numbers[list], first = begun.current;
    if (revision === undefined) return;
    begun.current = false;
    if (revision === seen.current) return;
    seen.current = revision;
    if (first) return; /* the list was asked for when the stream began */
    const wait = Math.max(0, asked.current + 2000 - Date.now());
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      asked.current = Date.now();
      void latest.current();
    }, wait);
  });
}

/* Text that follows a field with a delay, so that a server is not asked at every key. */
export function useDelayed<T>(value: T, ms: number): T {
  const [late, setLate] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLate(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return late;
}
