/* keys.ts: the keyboard. Single letters do nothing while text is typed, and can be switched off in Settings. */
import { useEffect, useRef } from 'preact/hooks';
import { go } from './router';
import { prefs } from './prefs';

const PLACES: Record<string, string> = { o: '/', t: '/topics', g: '/groups', c: '/connectors', a: '/alerts', r: '/reports' };

export const KEYS: [string, string][] = [
  ['Ctrl K', 'Find'],
  ['/', 'Go to the filter'],
  ['j k', 'Next and previous row'],
  ['Enter', 'Open'],
  ['Esc', 'Close'],
  ['g then o t g c a r', 'Overview, Topics, Groups, Connectors, Alerts, Reports'],
  ['Space', 'Freeze what is live'],
  ['A F R', 'On an alert: acknowledge, false positive, resolve'],
  ['?', 'This list']
];

type Handler = (event: KeyboardEvent) => boolean | void;
const handlers: Map<string, Handler>[] = [];
let after = 0;

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) && !(target instanceof HTMLInputElement && target.type === 'checkbox');
}

/* The rows of the page's first table that opens something. */
function walk(step: number): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')];
  if (!rows.length) return false;
  const here = rows.findIndex(r => r === document.activeElement || r.contains(document.activeElement));
  const chosen = here >= 0 ? here : rows.findIndex(r => r.getAttribute('aria-selected') === 'true' || r.getAttribute('aria-current') === 'true');
  const next = rows[Math.max(0, Math.min(rows.length - 1, chosen < 0 ? 0 : chosen + step))]!;
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
  return true;
}

addEventListener('keydown', event => {
  if (event.defaultPrevented) return;
  const combined = event.ctrlKey || event.metaKey || event.altKey;
  const name = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k' ? 'Ctrl K' : event.key === ' ' ? 'Space' : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const letter = name.length === 1 || name === 'Space';
  if (letter && (combined || typing(event.target) || (!prefs.get().letters && /^[a-z]$|^Space$/.test(name)))) return;
  if (combined && name !== 'Ctrl K') return;
  if (name === 'Space' && event.target instanceof HTMLElement && event.target.closest('button,a,summary,[role=option],[data-row]')) return;
  if (letter && after && Date.now() - after < 1200 && PLACES[name]) {
    after = 0;
    event.preventDefault();
    go(PLACES[name]!);
    return;
  }
  after = 0;
  for (let i = handlers.length - 1; i >= 0; i--) {
    const handler = handlers[i]!.get(name);
    if (handler && handler(event) !== false) {
      event.preventDefault();
      return;
    }
  }
  if (document.querySelector('[aria-modal="true"]')) return;
  if (name === 'g') after = Date.now();
  else if (name === '/') {
    const field = document.querySelector<HTMLInputElement>('main [data-filter]');
    if (field) {
      event.preventDefault();
      field.focus();
      field.select();
    }
  } else if ((name === 'j' || name === 'k') && walk(name === 'j' ? 1 : -1)) event.preventDefault();
});

/* The last part that asks for a key gets it first; a handler that gives false lets it pass. */
export function useKeys(keys: Record<string, Handler>): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const mine = new Map(Object.keys(keys).map(name => [name, (event: KeyboardEvent) => latest.current[name]?.(event)] as [string, Handler]));
    handlers.push(mine);
    return () => void handlers.splice(handlers.indexOf(mine), 1);
  }, [Object.keys(keys).join()]);
}
