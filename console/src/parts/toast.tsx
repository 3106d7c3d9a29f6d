/* toast.tsx: the result of an action, told once to eyes and to screen readers. */
import { createStore, useStore } from '../lib/store';
import { Icon } from './icon';
import { Mark } from './status';

interface Toast {
  id: number;
  text: string;
  state: 'ok' | 'warn' | 'crit';
  undo: (() => void) | undefined;
}
const toasts = createStore<Toast[]>([]);
let last = 0;

const drop = (id: number) => toasts.set(toasts.get().filter(t => t.id !== id));

export function say(text: string, state: Toast['state'] = 'ok', undo?: () => void): void {
  const id = ++last;
  toasts.set([...toasts.get().slice(-2), { id, text, state, undo }]);
  const live = document.getElementById('say');
  if (live) live.textContent = text;
  setTimeout(() => drop(id), undo ? 10_000 : state === 'ok' ? 3000 : 8000);
}

export function Toasts() {
  return (
    <div class="toasts">
      {useStore(toasts).map(t => (
        <div class="toast" key={t.id}>
          {t.state === 'ok' ? <Icon name="check" /> : <Mark state={t.state} />}
          <span>{t.text}</span>
          {t.undo ? (
            <button
              type="button"
              onClick={() => {
                drop(t.id);
                t.undo!();
              }}
            >
              Undo
            </button>
          ) : null}
        </div>
      ))}
    </div>
  );
}
