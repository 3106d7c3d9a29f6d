/* find.tsx: Ctrl K: everything that has a name, and what a typed LSN, offset or key could be. */
import { useEffect, useState } from 'preact/hooks';
import { get, query } from '../lib/api';
import { useDelayed } from '../lib/hooks';
import { go } from '../lib/router';
import type { Found } from '../lib/types';
import { openDialog, useTrap } from './dialog';
import { Icon, type IconName } from './icon';

const ICONS: Record<Found['kind'], IconName> = { topic: 'topics', group: 'groups', connector: 'connectors', agent: 'agents', alert: 'alerts', report: 'reports', page: 'right', action: 'plus', lsn: 'trace', message: 'topics', key: 'trace' };

const PAGES: Found[] = [
  ...(
    [
      ['Overview', '/'],
      ['Topics', '/topics'],
      ['Groups', '/groups'],
      ['Connectors', '/connectors'],
      ['Agents', '/agents'],
      ['Alerts', '/alerts'],
      ['Reports', '/reports'],
      ['Trace', '/trace'],
      ['Health', '/health'],
      ['Settings', '/settings']
    ] as const
  ).map(([name, path]): Found => ({ kind: 'page', name, note: 'page', path })),
  { kind: 'action', name: 'Create a connector', note: 'action', path: '/connectors/new' },
  { kind: 'action', name: 'Create a topic', note: 'action', path: '/topics?create=1' },
  { kind: 'action', name: 'New agent', note: 'action', path: '/agents?create=1' },
  { kind: 'action', name: 'New report', note: 'action', path: '/reports?create=1' }
];

/* What the text itself is, without asking anyone. */
export function readAs(text: string): Found[] {
  const q = text.trim();
  if (!q) return [];
  if (/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i.test(q)) return [{ kind: 'lsn', name: q.toUpperCase(), note: 'trace this LSN', path: '/trace' + query({ lsn: q.toUpperCase() }) }];
  const message = /^(\S+):(\d+):(\d+)$/.exec(q);
  if (message) return [{ kind: 'message', name: q, note: 'show this message', path: `/topics/${encodeURIComponent(message[1]!)}` + query({ p: message[2], o: message[3] }) }];
  return [{ kind: 'key', name: q, note: 'trace the row with this key', path: '/trace' + query({ key: q }) }];
}

function Find({ close }: { close: () => void }) {
  const [text, setText] = useState(''), [at, setAt] = useState(0), [found, setFound] = useState<Found[]>([]), [failed, setFailed] = useState(false);
  const [answered, setAnswered] = useState(''), [enter, setEnter] = useState(false);
  const asked = useDelayed(text.trim(), 80), box = useTrap(close, 'input');
  useEffect(() => {
    const abort = new AbortController();
    get<{ items: Found[] }>('/find' + query({ q: asked, limit: 12 }), abort.signal).then(
      answer => {
        setFound(answer.items);
        setAnswered(asked);
        setFailed(false);
      },
      () => {
        if (abort.signal.aborted) return;
        setAnswered(asked);
        setFailed(true);
      }
    );
    return () => abort.abort();
  }, [asked]);
  const lower = text.trim().toLowerCase(), seen = new Set<string>();
  const items = [...found.filter(i => !lower || i.name.toLowerCase().includes(lower) || asked === text.trim()), ...PAGES.filter(p => lower !== '' && p.name.toLowerCase().includes(lower)), ...readAs(text)].filter(i => !seen.has(i.path) && seen.add(i.path)).slice(0, 14);
  const chosen = Math.min(at, Math.max(0, items.length - 1));
  const open = (item: Found | undefined) => {
    if (!item) return;
    close();
    go(item.path);
  };
  /* Enter before the answer is there waits for it: names come before keys. */
  const current = answered === text.trim();
  useEffect(() => {
    if (enter && current) open(items[chosen]);
  }, [enter, current]);
  return (
    <div class="back" onMouseDown={event => event.target === event.currentTarget && close()}>
      <div
        class="pal"
        role="dialog"
        aria-modal="true"
        aria-label="Find"
        ref={box}
        onKeyDown={event => {
          const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
          if (step) setAt((chosen + step + items.length) % Math.max(1, items.length));
          else if (event.key === 'Enter') {
            if (current) open(items[chosen]);
            else setEnter(true);
          }
          else return;
          event.preventDefault();
        }}
      >
        <div class="pal-in">
          <Icon name="search" />
          <input type="text" role="combobox" aria-expanded="true" aria-controls="find-list" aria-activedescendant={items.length ? 'find-' + chosen : undefined} placeholder="Topic, group, connector, alert, key or LSN" aria-label="Find" spellcheck={false} autocomplete="off" value={text} onInput={e => (setText(e.currentTarget.value), setAt(0), setEnter(false))} />
          <kbd>Esc</kbd>
        </div>
        <div class="pal-list" role="listbox" id="find-list" aria-label="Found">
          {items.map((item, i) => (
            <div class="pal-item" role="option" id={'find-' + i} key={item.path} aria-selected={i === chosen} onClick={() => open(item)}>
              <Icon name={ICONS[item.kind] ?? 'right'} />
              <span>{item.name}</span>
              <small>{item.note}</small>
            </div>
          ))}
        </div>
        {failed ? <p class="hint">Names cannot be looked up while Tailrace does not answer; pages can be opened.</p> : null}
      </div>
    </div>
  );
}

let shown = false;
export function openFind(): void {
  if (shown) return;
  shown = true;
  openDialog(close => (
    <Find
      close={() => {
        shown = false;
        close();
      }}
    />
  ));
}
