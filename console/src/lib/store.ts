/* store.ts: a value that parts of the page watch. */
import { useEffect, useState } from 'preact/hooks';

export interface Store<T> {
  get(): T;
  set(value: T): void;
  watch(told: (value: T) => void): () => void;
}

export function createStore<T>(value: T): Store<T> {
  const watchers = new Set<(value: T) => void>();
  return {
    get: () => value,
    set(next) {
      if (next === value) return;
      value = next;
      for (const told of [...watchers]) told(value);
    },
    watch(told) {
      watchers.add(told);
      return () => void watchers.delete(told);
    }
  };
}

export function useStore<T>(store: Store<T>): T {
  const [value, set] = useState<{ now: T }>({ now: store.get() });
  useEffect(() => {
    set({ now: store.get() });
    return store.watch(now => set({ now }));
  }, [store]);
  return value.now;
}
