/* search.ts: a search in a topic: the address says what is asked, the answer arrives in pieces and can be stopped. */
import { createStore } from './store';
import { at, asError, open, query } from './api';
import { parseTime } from './format';
import { readEvents } from './sse';
import type { ErrorBody, Message, SearchDone, SearchProgress } from './types';

export type From = 'newest' | 'oldest' | 'time' | 'offset' | 'live';
export interface Asked {
  from: From;
  at: string;
  part: string;
  key: string;
  filter: string;
}
export interface Found {
  messages: Message[];
  progress: SearchProgress | null;
  done: SearchDone | null;
  error: ErrorBody | null;
  running: boolean;
  /* Live only: came while frozen */
  held: Message[];
}
export const NOTHING: Found = { messages: [], progress: null, done: null, error: null, running: false, held: [] };

const NEWEST = 100, FILTERED = 500, LIVE_MAX = 500;

export function askedFrom(q: URLSearchParams): Asked {
  const from = q.get('from');
  return { from: from === 'oldest' || from === 'time' || from === 'offset' || from === 'live' ? from : 'newest', at: q.get('at') ?? '', part: q.get('part') ?? '', key: q.get('key') ?? '', filter: q.get('filter') ?? '' };
}

export function searchPath(topic: string, asked: Asked, more: Record<string, string | number | null> = {}): string {
  const start = asked.from === 'time' ? parseTime(asked.at) : asked.from === 'offset' ? asked.at.replace(/,/g, '') : null;
  return at('topics', topic, 'messages') + query({ from: asked.from, at: start, p: asked.part, key: asked.key, filter: asked.filter, limit: asked.filter ? FILTERED : NEWEST, budget_ms: 10_000, ...more });
}

export const place = (m: { partition: number; offset: number }) => m.partition + ':' + m.offset;

/* Events carry a list alone or as `items`. */
function listOf(data: unknown): Message[] {
  if (Array.isArray(data)) return data as Message[];
  const items = (data as { items?: Message[]; messages?: Message[] } | null) ?? {};
  return items.items ?? items.messages ?? [];
}

/* One search. `told` gets a new object at most ten times a second. */
export class Search {
  private abort = new AbortController();
  private found: Found;
  private frozen = false;
  private closed = false;
  private timer = 0;

  constructor(
    private readonly topic: string,
    private readonly asked: Asked,
    private readonly told: (found: Found) => void,
    before: Found | null = null,
    cursor: string | null = null
  ) {
    this.found = { ...(before ?? NOTHING), done: null, error: null, running: true };
    void this.run(cursor);
  }

  private tell(): void {
    if (this.timer || this.closed) return;
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      this.told(this.found);
    }, 100);
  }
  private flush(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.closed) this.told(this.found);
  }

  private add(list: Message[]): void {
    const f = this.found;
    if (this.asked.from !== 'live') this.found = { ...f, messages: [...f.messages, ...list] };
    else if (this.frozen) this.found = { ...f, held: [...list.reverse(), ...f.held].slice(0, LIVE_MAX) };
    else this.found = { ...f, messages: [...list.reverse(), ...f.messages].slice(0, LIVE_MAX) };
  }

  private async run(cursor: string | null): Promise<void> {
    try {
      const body = await open(searchPath(this.topic, this.asked, { cursor }), { signal: this.abort.signal });
      await readEvents(body, ({ event, data }) => {
        if (event === '' || this.abort.signal.aborted) return;
        const value: unknown = JSON.parse(data);
        if (event === 'messages') this.add(listOf(value));
        else if (event === 'progress') this.found = { ...this.found, progress: value as SearchProgress };
        else if (event === 'error') this.found = { ...this.found, error: (value as { error?: ErrorBody }).error ?? (value as ErrorBody) };
        else if (event === 'done') this.found = { ...this.found, done: value as SearchDone };
        this.tell();
      });
    } catch (error) {
      if (!this.abort.signal.aborted) this.found = { ...this.found, error: asError(error) };
    }
    if (this.abort.signal.aborted && this.found.done === null) this.found = { ...this.found, done: { why: 'stopped', cursor: null, scanned: this.found.progress?.scanned ?? 0, total: this.found.progress?.total ?? 0 } };
    this.found = { ...this.found, running: false };
    this.flush();
  }

  /* Closing the connection stops the scan on the server. */
  stop(): void {
    this.abort.abort();
  }
  close(): void {
    this.abort.abort();
    clearTimeout(this.timer);
    this.closed = true;
  }
  freeze(frozen: boolean): void {
    this.frozen = frozen;
    if (frozen || !this.found.held.length) return;
    this.found = { ...this.found, messages: [...this.found.held, ...this.found.messages].slice(0, LIVE_MAX), held: [] };
    this.flush();
  }
}

/* How often this page wrote messages itself: what lists messages looks again. */
export const written = createStore(0);
