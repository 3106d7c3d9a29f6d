/* plot.tsx: a plot over time with its legend, and the same numbers as a table. The painter loads on first use. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { asError } from '../lib/api';
import * as f from '../lib/format';
import { themeShown, prefs } from '../lib/prefs';
import { useStore } from '../lib/store';
import type { Painter } from './plot-paint';

export interface PlotSeries {
  name: string;
  color: 1 | 2 | 3 | 4 | 5 | 6;
  values: (number | null)[];
  dash?: boolean;
  /* Single values as hollow points, as for "no rows" */
  points?: boolean;
  now?: string;
}
export interface PlotOptions {
  label: string;
  series: PlotSeries[];
  t0_ms: number;
  step_ms: number;
  unit: (value: number) => string;
  height?: number;
  limit?: { value: number; text: string } | null;
  /* y from 0, except for reports of temperatures and the like */
  free?: boolean;
}

export function Legend({ series }: { series: PlotSeries[] }) {
  return (
    <div class="legend">
      {series.map(s => (
        <span key={s.name}>
          <i class={'key s' + s.color + (s.dash ? ' dash' : '')} />
          {s.name}
          {s.now ? <b class="num">{s.now}</b> : null}
        </span>
      ))}
    </div>
  );
}

function Numbers({ o }: { o: PlotOptions }) {
  const n = o.series[0]?.values.length ?? 0, every = Math.max(1, Math.ceil(n / 60));
  const rows = Array.from({ length: Math.ceil(n / every) }, (_, i) => i * every);
  return (
    <div class="table-wrap plot-table" tabIndex={0} role="region" aria-label={o.label + ', as a table'}>
      <table>
        <thead>
          <tr>
            <th scope="col">At</th>
            {o.series.map(s => (
              <th scope="col" class="num" key={s.name}>
                {s.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(i => (
            <tr key={i}>
              <td class="num">{f.time(o.t0_ms + i * o.step_ms)}</td>
              {o.series.map(s => (
                <td class="num" key={s.name}>
                  {s.values[i] === null || s.values[i] === undefined ? f.DASH : o.unit(s.values[i]!)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Plot(o: PlotOptions) {
  const box = useRef<HTMLDivElement>(null), painter = useRef<Painter | null>(null);
  const theme = useStore(themeShown), { zone } = useStore(prefs);
  const [asTable, setTable] = useState(false), [failed, setFailed] = useState<string | null>(null);
  const latest = useRef(o);
  latest.current = o;
  const known = o.series.some(s => s.values.some(v => v !== null));
  useEffect(() => {
    if (asTable || !known) return;
    let alive = true, watcher: ResizeObserver | undefined;
    import('./plot-paint').then(
      ({ paint }) => {
        if (!alive || !box.current) return;
        painter.current = paint(box.current, latest.current);
        watcher = new ResizeObserver(() => painter.current?.resize());
        watcher.observe(box.current);
      },
      error => alive && setFailed(asError(error).why ?? '')
    );
    return () => {
      alive = false;
      watcher?.disconnect();
      painter.current?.destroy();
      painter.current = null;
    };
  }, [theme, zone, asTable, known, o.series.map(s => s.name).join(), o.limit?.value]);
  useEffect(() => painter.current?.update(latest.current), [o.series, o.t0_ms]);
  return (
    <div class="plot-box">
      <div class="plot-line">
        <Legend series={o.series} />
        <button type="button" class="plot-as" aria-pressed={asTable} onClick={() => setTable(!asTable)}>
          {asTable ? 'Show as plot' : 'Show as table'}
        </button>
      </div>
      {!known ? (
        <p class="plot-none" style={{ height: (o.height ?? 132) + 'px' }}>
          Nothing measured in this time
        </p>
      ) : asTable ? (
        <Numbers o={o} />
      ) : failed !== null ? (
        <p class="plot-none">The plot could not be loaded. {failed}</p>
      ) : (
        <div class="plot" role="img" aria-label={o.label + ': ' + o.series.map(s => s.name + (s.now ? ' ' + s.now : '')).join(', ')} ref={box} style={{ height: (o.height ?? 132) + 'px' }} />
      )}
    </div>
  );
}
