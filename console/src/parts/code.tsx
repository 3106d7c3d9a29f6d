/* code.tsx: text as it is, and JSON in colours; always as text nodes. */
import { useEffect, useState } from 'preact/hooks';
import { visible } from '../lib/format';
import { looksLikeJson, tokens, type Token } from '../lib/json';
import { CopyButton } from './basic';

const SLICE_MS = 8, TOKENS_MAX = 40_000;

function useTokens(text: string, on: boolean): Token[] | null {
  const [list, setList] = useState<{ text: string; tokens: Token[] } | null>(null);
  useEffect(() => {
    if (!on) return;
    const source = tokens(text, true), made: Token[] = [];
    let timer = 0;
    const work = () => {
      const until = performance.now() + SLICE_MS;
      for (;;) {
        const next = source.next();
        if (next.done) {
          setList({ text, tokens: made });
          return;
        }
        /* Past so many the rest is there without colours. */
        if (made.length < TOKENS_MAX) made.push(next.value);
        else made[TOKENS_MAX] = [(made[TOKENS_MAX]?.[0] ?? '') + next.value[0], ''];
        if (performance.now() > until) {
          timer = window.setTimeout(work, 0);
          return;
        }
      }
    };
    work();
    return () => clearTimeout(timer);
  }, [text, on]);
  return list?.text === text ? list.tokens : null;
}

/* Neighbours of one kind are one piece of the page. */
function joined(list: Token[]): Token[] {
  const out: Token[] = [];
  for (const [text, kind] of list) {
    const last = out[out.length - 1];
    if (last && last[1] === kind && kind === '') last[0] += text;
    else out.push([text, kind]);
  }
  return out;
}

export function Code({ text, json, label = 'Text', plain }: { text: string; json?: boolean; label?: string; plain?: boolean }) {
  const coloured = json === true && looksLikeJson(text), list = useTokens(text, coloured);
  return (
    <div class={'code' + (plain ? ' plain' : '')}>
      <pre tabIndex={0} role="region" aria-label={label}>
        {coloured && list ? joined(list).map(([part, kind], i) => (kind ? <span key={i} class={'j-' + kind}>{part}</span> : part)) : visible(text)}
      </pre>
      {plain ? null : <CopyButton text={text} />}
    </div>
  );
}
