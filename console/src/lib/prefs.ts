/* prefs.ts: what this browser remembers: theme, zone, single letters as keys, and the last message produced per topic. */
import { createStore } from './store';

export type Theme = 'light' | 'dark' | 'system';
export interface Prefs {
  theme: Theme;
  zone: 'browser' | 'utc';
  letters: boolean;
}
const KEY = 'tailrace.prefs';

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; /* storage is switched off: the page works, it only forgets */
  }
}
function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    /* as above */
  }
}

function load(): Prefs {
  const prefs: Prefs = { theme: 'system', zone: 'browser', letters: true };
  try {
    const kept = JSON.parse(read(KEY) ?? '{}') as Partial<Prefs>;
    if (kept.theme === 'light' || kept.theme === 'dark') prefs.theme = kept.theme;
    if (kept.zone === 'utc') prefs.zone = 'utc';
    if (kept.letters === false) prefs.letters = false;
  } catch {
    /* someone wrote nonsense there: start afresh */
  }
  return prefs;
}

export const prefs = createStore<Prefs>(load());

export function setPrefs(change: Partial<Prefs>): void {
  prefs.set({ ...prefs.get(), ...change });
  write(KEY, JSON.stringify(prefs.get()));
  applyTheme();
}

export function themeNow(): 'light' | 'dark' {
  const { theme } = prefs.get();
  return theme === 'system' ? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light') : theme;
}

/* Told after every change of colours, also by the system: plots are painted and must be painted again. */
export const themeShown = createStore<'light' | 'dark'>(themeNow());

export function applyTheme(): void {
  document.documentElement.dataset.theme = themeNow();
  themeShown.set(themeNow());
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', applyTheme);

export function remembered(key: string): string | null {
  return read(`tailrace.${key}`);
}
export function remember(key: string, value: string): void {
  write(`tailrace.${key}`, value);
}
