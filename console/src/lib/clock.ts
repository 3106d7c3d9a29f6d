/* clock.ts: the server's time. The browser's own clock may be wrong, and every age on the page is counted by the server's. */
import { createStore } from './store';

let ahead_ms = 0;

export function setClock(now_ms: number): void {
  ahead_ms = now_ms - Date.now();
}

/* A moment of the browser's clock as the server would say it. */
export function serverTime(local_ms: number): number {
  return local_ms + ahead_ms;
}

export function now(): number {
  return Date.now() + ahead_ms;
}

/* Rises once a second while the tab is visible, so that ages in prose stay right. */
export const second = createStore(0);
setInterval(() => {
  if (!document.hidden) second.set(second.get() + 1);
}, 1000);
