/* preflight.tsx: what the server says about a configuration before anything is made of it. */
import { useEffect, useState } from 'preact/hooks';
import { asError, change } from '../lib/api';
import * as f from '../lib/format';
import { useDelayed } from '../lib/hooks';
import type { ErrorBody, Preflight, PreflightCheck } from '../lib/types';
import { Button } from './basic';
import { Code } from './code';
import { Bones, Failure } from './states';
import { Mark } from './status';

export type Config = Record<string, string>;

/* Runs 300 ms after the last change; the old answer stays until the new one is there. */
export function usePreflight(name: string, config: Config | null) {
  const asked = useDelayed(config === null ? null : JSON.stringify({ name, config }), 300);
  const [state, setState] = useState<{ of: string; data: Preflight | null; error: ErrorBody | null } | null>(null);
  useEffect(() => {
    if (asked === null) return;
    let alive = true;
    change<Preflight>('POST', '/preflight', JSON.parse(asked)).then(
      data => alive && setState({ of: asked, data, error: null }),
      e => alive && setState({ of: asked, data: null, error: asError(e) })
    );
    return () => void (alive = false);
  }, [asked]);
  return { data: state?.data ?? null, error: state?.error ?? null, current: state !== null && state.of === (config === null ? null : JSON.stringify({ name, config })) };
}

const ORDER: Record<PreflightCheck['state'], number> = { crit: 0, warn: 1, info: 2, idle: 3, ok: 4 };

export function applyPatch(config: Config, patch: PreflightCheck['patch']): Config {
  const next = { ...config, ...(patch?.set ?? {}) };
  for (const key of patch?.unset ?? []) delete next[key];
  return next;
}

export function Checks({ data, onFix }: { data: Preflight; onFix: ((patch: PreflightCheck['patch']) => void) | null }) {
  const checks = [...data.checks].sort((a, b) => ORDER[a.state] - ORDER[b.state]);
  return (
    <>
      <p class={'preview-line is-' + data.verdict}>
        <Mark state={data.verdict} />
        <b>{data.text}</b>
        <span>
          {data.errors ? f.plural(data.errors, 'error') : ''}
          {data.errors && data.warnings ? ', ' : ''}
          {data.warnings ? `${f.int(data.warnings)} ${data.warnings === 1 ? 'thing' : 'things'} to know` : ''}
          {data.errors || data.warnings ? '.' : ''}
        </span>
      </p>
      <ol class="checks">
        {checks.map((c, i) => (
          <li class={'is-' + c.state} key={c.code + i}>
            <Mark state={c.state} />
            <div>
              <b>{c.title}</b>
              {c.found ? <span>{c.found}</span> : null}
              {c.state === 'crit' || c.state === 'warn' ? (
                <>
                  <span>{c.why}</span>
                  {c.todo ? (
                    <span>
                      <b>Do: </b>
                      {c.todo}
                    </span>
                  ) : null}
                </>
              ) : null}
              {c.patch && onFix ? (
                <Button kind="small" onClick={() => onFix(c.patch)}>
                  {c.patch.text ?? (c.patch.unset?.length && !c.patch.set ? 'Remove the line' : `Set ${Object.keys(c.patch.set ?? {}).join(', ')}`)}
                </Button>
              ) : null}
              {c.sql ? <Code text={c.sql} label="SQL" /> : null}
              {c.command ? <Code text={c.command} label="Command" /> : null}
            </div>
          </li>
        ))}
      </ol>
    </>
  );
}

export function PreflightPanel({ result, why, onFix, foot }: { result: ReturnType<typeof usePreflight>; why: string | null; onFix: ((patch: PreflightCheck['patch']) => void) | null; foot: preact.ComponentChildren }) {
  const { data, error, current } = result;
  return (
    <section class={'panel preflight' + (current || why ? '' : ' is-old')} aria-label="Preflight">
      <header class="panel-head">
        <h2>Preflight</h2>
        <div class="panel-extra">
          <span class="sub num">{why ? '' : !current ? 'checking…' : data ? `ran in ${f.duration(Math.max(1, data.took_ms))}, on every change` : ''}</span>
        </div>
      </header>
      <div aria-live="polite">{why ? <p class="pad-line">{why}</p> : data ? <Checks data={data} onFix={onFix} /> : error ? <div class="pad16"><Failure error={error} /></div> : <Bones rows={6} />}</div>
      <footer class="panel-foot">{foot}</footer>
    </section>
  );
}

export function Makes({ data }: { data: Preflight }) {
  if (!data.makes.length) return null;
  const kind = (k: string) => k.charAt(0).toUpperCase() + k.slice(1);
  return (
    <>
      <h3 class="makes">It makes</h3>
      <ul class="sinks makes">
        {data.makes.map(m => (
          <li key={m.kind + m.name}>
            <span>
              <b>{kind(m.kind)}</b> <code>{m.name}</code>
            </span>
            <span class="num">{m.note}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
