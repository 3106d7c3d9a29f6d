/*
 * server-list.tsx: a list that the server sorts, filters and pages. Over 200 items only the rows in view are in the page,
 * between two spacers; their pages are fetched as they come into view. Counts are the server's and exact.
 */
import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { asError, get, query } from '../lib/api';
import { useRevision } from '../lib/hooks';
import { useStore } from '../lib/store';
import { link } from '../lib/stream';
import type { ErrorBody, List } from '../lib/types';
import { Bones, Failure } from './states';
import { BodyRow, Heads, type Column, type RowOptions, type Sort } from './table';

const PAGE = 200, AROUND = 10;

export interface ServerListProps<T> extends RowOptions<T> {
  path: string;
  params: Record<string, string | null>;
  revision: string;
  columns: Column<T>[];
  label: string;
  keyOf: (item: T) => string;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  /* What is shown when nothing exists, and when the filter hides all */
  empty: ComponentChildren;
  nothing: ComponentChildren;
  onTotal?: (total: number, list: List<T>) => void;
  class?: string;
}

interface Pages<T> {
  of: string;
  total: number;
  pages: Map<number, T[]>;
}

export function ServerList<T>(p: ServerListProps<T>) {
  const of = p.path + query({ ...p.params, sort: p.sort?.by, dir: p.sort?.dir });
  const [state, setState] = useState<Pages<T> | null>(null), [error, setError] = useState<ErrorBody | null>(null), [slow, setSlow] = useState(false), isDown = useStore(link).state === 'down';
  const [view, setView] = useState<[number, number]>([0, 60]);
  const asking = useRef(new Set<number>()), body = useRef<HTMLTableSectionElement>(null), height = useRef(33), latest = useRef(of);
  latest.current = of;

  const fetchPage = useCallback(
    async (number: number) => {
      if (asking.current.has(number)) return;
      asking.current.add(number);
      try {
        const list = await get<List<T>>(of + (of.includes('?') ? '&' : '?') + `offset=${number * PAGE}&limit=${PAGE}`);
        if (latest.current !== of) return;
        setError(null);
        setState(s => ({ of, total: list.total, pages: new Map([...(s?.of === of ? s.pages : []), [number, list.items] as [number, T[]]]) }));
        if (number === 0) p.onTotal?.(list.total, list);
      } catch (e) {
        if (latest.current === of) setError(asError(e));
      } finally {
        asking.current.delete(number);
      }
    },
    [of]
  );
  const first = Math.floor(view[0] / PAGE), last = Math.floor(Math.max(view[0], view[1] - 1) / PAGE);
  const reload = async () => {
    asking.current.clear();
    await Promise.all(Array.from({ length: last - first + 1 }, (_, i) => fetchPage(first + i)));
  };
  useEffect(() => {
    asking.current.clear();
    const late = setTimeout(() => setSlow(true), 150);
    setView([0, 60]);
    void fetchPage(0).finally(() => {
      clearTimeout(late);
      setSlow(false);
    });
    return () => clearTimeout(late);
  }, [of]);
  useRevision(p.revision, reload);

  const mine = state?.of === of ? state : null, shown = mine ?? state, total = shown?.total ?? 0, virtual = total > PAGE;
  useEffect(() => {
    if (!mine) return;
    for (let n = first; n <= last && n * PAGE < mine.total; n++) if (!mine.pages.has(n)) void fetchPage(n);
  }, [mine, first, last]);
  useLayoutEffect(() => {
    if (!virtual) return;
    let planned = 0;
    const look = () => {
      planned = 0;
      const box = body.current;
      if (!box) return;
      const rows = box.querySelectorAll<HTMLElement>('tr:not(.spacer)');
      if (rows.length > 4) height.current = Math.max(20, (rows[rows.length - 1]!.getBoundingClientRect().bottom - rows[0]!.getBoundingClientRect().top) / rows.length);
      const from = Math.max(0, Math.floor(-box.getBoundingClientRect().top / height.current) - AROUND);
      const to = Math.min(total, from + Math.ceil(innerHeight / height.current) + 2 * AROUND);
      setView(v => (v[0] === from && v[1] === to ? v : [from, to]));
    };
    const scrolled = () => (planned ||= requestAnimationFrame(look));
    look();
    addEventListener('scroll', scrolled, { passive: true });
    addEventListener('resize', scrolled);
    return () => {
      cancelAnimationFrame(planned);
      removeEventListener('scroll', scrolled);
      removeEventListener('resize', scrolled);
    };
  }, [virtual, total]);

  if (!shown) return error ? <Failure error={error} again={() => fetchPage(0)} /> : slow ? <section class="panel"><Bones rows={8} /></section> : null;
  const filtered = Object.values(p.params).some(v => v);
  const [from, to] = virtual ? [Math.min(view[0], total), Math.min(view[1], total)] : [0, total];
  const item = (i: number) => shown.pages.get(Math.floor(i / PAGE))?.[i % PAGE];
  return (
    <>
      {error && !(isDown && error.code === 'UNREACHABLE') ? <Failure error={error} again={reload} /> : null}
      {total === 0 ? (
        <section class="panel">{filtered ? p.nothing : p.empty}</section>
      ) : (
        <section class="panel">
          <div class="table-wrap" tabIndex={0} role="region" aria-label={p.label}>
            <table class={(p.class ?? 'cards') + (virtual ? ' virtual' : '')} aria-rowcount={total}>
              <Heads columns={p.columns} sort={p.sort} onSort={p.onSort} />
              <tbody ref={body}>
                {from > 0 ? (
                  <tr class="spacer" aria-hidden="true">
                    <td colSpan={p.columns.length} style={{ height: from * height.current + 'px' }} />
                  </tr>
                ) : null}
                {Array.from({ length: to - from }, (_, n) => {
                  const i = from + n, it = item(i);
                  return it === undefined ? (
                    <tr key={i} class="waiting">
                      <td colSpan={p.columns.length} />
                    </tr>
                  ) : (
                    <BodyRow key={p.keyOf(it)} item={it} index={i} columns={p.columns} options={p} />
                  );
                })}
                {to < total ? (
                  <tr class="spacer" aria-hidden="true">
                    <td colSpan={p.columns.length} style={{ height: (total - to) * height.current + 'px' }} />
                  </tr>
                ) : null}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
}

/* The filter field of a list; what it says follows 150 ms after the last key. */
export function FilterField({ value, onChange, label }: { value: string; onChange: (value: string) => void; label: string }) {
  const [text, setText] = useState(value), timer = useRef<number | undefined>(undefined);
  useLayoutEffect(() => setText(value), [value]); /* at once: what is typed after it stays */
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label class="field grow">
      <svg class="ico" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <path d="M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.5 10.5 14 14" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" />
      </svg>
      <input
        type="text"
        data-filter
        placeholder={label}
        aria-label={label}
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={event => {
          const typed = event.currentTarget.value;
          setText(typed);
          clearTimeout(timer.current);
          timer.current = window.setTimeout(() => onChange(typed), 150);
        }}
        onKeyDown={event => {
          if (event.key !== 'Escape' || text === '') return;
          event.preventDefault();
          setText('');
          onChange('');
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}

export function sortFrom(params: URLSearchParams, fallback?: Sort): Sort | undefined {
  const by = params.get('sort');
  return by ? { by, dir: params.get('dir') === 'desc' ? 'desc' : 'asc' } : fallback;
}
