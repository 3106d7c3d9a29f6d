/* log-view.tsx: lines of the log, newest last, followed while one is at the end. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { asError, get, open, query } from '../lib/api';
import * as f from '../lib/format';
import { useBack } from '../lib/hooks';
import { readEvents } from '../lib/sse';
import type { ErrorBody, LogLine } from '../lib/types';
import { Segments } from './basic';
import { Failure } from './states';

const LINES_MAX = 2000;
const LEVELS = ['debug', 'info', 'warning', 'error'] as const;

export function LogView({ path, part }: { path: string; part?: string }) {
  const [level, setLevel] = useState<LogLine['level']>('info'), [follow, setFollow] = useState<'Live' | 'Still'>('Live'), [lines, setLines] = useState<LogLine[] | null>(null), [error, setError] = useState<ErrorBody | null>(null);
  const box = useRef<HTMLDivElement>(null), atEnd = useRef(true), ended = useRef(false), [round, setRound] = useState(0);
  useBack(() => ended.current && setRound(n => n + 1));
  useEffect(() => {
    const abort = new AbortController();
    setLines(null);
    ended.current = false;
    void (async () => {
      try {
        const first = await get<{ items: LogLine[] }>(path + query({ level, part }), abort.signal);
        setLines(first.items.slice(-LINES_MAX));
        setError(null);
        if (follow === 'Still') return;
        const after = first.items.reduce((max, l) => Math.max(max, l.id ?? 0), 0);
        await readEvents(await open(path + query({ level, part, after: after || null, follow: 1 }), { signal: abort.signal }), ({ data }) => {
          try {
            const line = JSON.parse(data) as LogLine | { items: LogLine[] };
            setLines(list => [...(list ?? []), ...('items' in line ? line.items : line.text !== undefined ? [line] : [])].slice(-LINES_MAX));
          } catch {
            /* a comment, or a torn line at the end */
          }
        });
      } catch (e) {
        if (!abort.signal.aborted) setError(asError(e));
      }
      if (!abort.signal.aborted) ended.current = follow === 'Live';
    })();
    return () => abort.abort();
  }, [path, level, follow, part, round]);
  useEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <div class="log">
      <div class="bar log-bar">
        <Segments label="Least level" items={LEVELS} value={level} onPick={setLevel} />
        <Segments label="Follow" items={['Live', 'Still']} value={follow} onPick={setFollow} />
        <span class="hint">{lines ? f.plural(lines.length, 'line') : ''}</span>
      </div>
      {error?.code === 'NO_SUCH_PATH' ? <p class="pad-line">This program keeps no lines to show here; they are on its standard error.</p> : error ? <Failure error={error} again={() => setRound(n => n + 1)} /> : null}
      <div class="log-lines" role="log" aria-label="Log" aria-live="off" tabIndex={0} ref={box} onScroll={e => (atEnd.current = e.currentTarget.scrollTop + e.currentTarget.clientHeight > e.currentTarget.scrollHeight - 24)}>
        {lines?.length === 0 ? <p class="hint">Nothing at this level.</p> : null}
        {lines?.map((l, i) => (
          <p key={l.id ?? i} class={'log-line is-' + l.level}>
            <time class="num" dateTime={new Date(l.at_ms).toISOString()}>
              {f.time(l.at_ms, true)}
            </time>
            <b>{l.level}</b>
            <span>{l.part}</span>
            <code>{f.visible(l.text)}</code>
          </p>
        ))}
      </div>
    </div>
  );
}
