/* router.ts: real paths. The whole view of a page is in its address: path and query. */
import { createStore } from './store';

export interface Route {
  path: string;
  parts: string[];
  query: URLSearchParams;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; /* a stray % in a typed address */
  }
}
function read(): Route {
  return { path: location.pathname, parts: location.pathname.split('/').filter(Boolean).map(decode), query: new URLSearchParams(location.search) };
}

export const route = createStore<Route>(read());
addEventListener('popstate', () => route.set(read()));

export function go(to: string, { replace = false }: { replace?: boolean } = {}): void {
  if (to === location.pathname + location.search) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  route.set(read());
}

/* Changes parts of the query; null takes one out. The page stays where it is. */
export function setQuery(change: Record<string, string | null>, { replace = true }: { replace?: boolean } = {}): void {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(change)) {
    if (value === null || value === '') query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  go(location.pathname + (text ? '?' + text : ''), { replace });
}

/* Links of the page stay links (new tab, copy address) and are followed without loading the page anew. */
addEventListener('click', event => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const a = (event.target as Element | null)?.closest?.('a');
  if (!a || a.target || a.hasAttribute('download') || a.origin !== location.origin || a.getAttribute('href')?.startsWith('#')) return;
  if (/^\/(metrics|healthz|readyz|api)(\/|$)/.test(a.pathname)) return;
  event.preventDefault();
  go(a.pathname + a.search);
});
