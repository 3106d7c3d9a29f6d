/* window-plot.tsx: the inputs of an alert's window as stems over time, the row that fired last. */
import * as f from '../lib/format';
import type { Alert } from '../lib/types';

const W = 400, H = 158, LEFT = 44, RIGHT = 14, BOTTOM = 22, TOP = 8;

function nice(max: number): number {
  const scale = 10 ** Math.floor(Math.log10(max || 1));
  return [1, 2, 2.5, 4, 5, 8, 10].map(n => n * scale).find(n => n >= max) ?? max;
}

export function WindowPlot({ alert: a }: { alert: Alert }) {
  /* What is compared with the last n is not among them yet: it is drawn behind them. */
  const w = a.window!, own = { partition: a.partition ?? null, offset: a.offset ?? null, at_us: w.to_us, number: a.number };
  const inputs = w.inputs.some(i => i.offset === own.offset && i.partition === own.partition) ? w.inputs : [...w.inputs, own], values = inputs.map(i => Number(i.number ?? 0));
  const against = a.conditions.find(c => c.was === a.number)?.limit?.match(/[\d.]+/), limit = w.limit ?? (against ? Number(against[0]) : null);
  const top = nice(Math.max(...values, limit ?? 0, 1) * 1.02), span = Math.max(1, w.to_us - w.from_us);
  const at = (i: number) => (w.by === 'count' ? w.from_us + (span * i) / Math.max(1, inputs.length - 1) : (inputs[i]!.at_us ?? w.from_us));
  const x = (us: number) => LEFT + ((us - w.from_us) / span) * (W - LEFT - RIGHT), y = (v: number) => TOP + (1 - Math.max(0, v) / top) * (H - BOTTOM - TOP);
  return (
    <svg class="chart" viewBox={`0 0 ${W} ${H}`} role="img" aria-label={`${inputs.length} inputs of ${a.subject} in ${f.duration(span / 1000)}; the last is ${a.number ?? ''}`}>
      {[0, top / 2, top].map(v => (
        <g key={v}>
          <line class="grid" x1={LEFT} x2={W - RIGHT} y1={y(v)} y2={y(v)} />
          <text class="tick" x={LEFT - 6} y={y(v) + 3.5} text-anchor="end">
            {f.si(v)}
          </text>
        </g>
      ))}
      {limit !== null && limit <= top ? (
        <>
          <line class="limit" x1={LEFT} x2={W - RIGHT} y1={y(limit)} y2={y(limit)} />
          <text class="limit-text" x={LEFT + 6} y={y(limit) + (y(limit) < 22 ? 12 : -4)}>
            {w.limit_text ?? `limit ${f.si(limit)}`}
          </text>
        </>
      ) : null}
      {(
        [
          [w.from_us, 'start', w.by === 'count' ? 'oldest' : '-' + f.duration(span / 1000)],
          [w.from_us + span / 2, 'middle', w.by === 'count' ? '' : '-' + f.duration(span / 2000)],
          [w.to_us, 'end', 'this row']
        ] as const
      ).map(([us, anchor, text]) => (
        <text class="tick" key={text} x={x(us)} y={H - 5} text-anchor={anchor}>
          {text}
        </text>
      ))}
      {inputs.map((input, i) => {
        const last = i === inputs.length - 1;
        return (
          <g key={i}>
            <line class={'stem' + (last ? ' hot' : '')} x1={x(at(i))} x2={x(at(i))} y1={y(0)} y2={y(values[i]!)} />
            <circle class={'pt' + (last ? ' hot' : '')} cx={x(at(i))} cy={y(values[i]!)} r={last ? 5 : 3.5}>
              <title>{`${input.number ?? ''}, partition ${input.partition}, offset ${f.int(input.offset)}`}</title>
            </circle>
          </g>
        );
      })}
    </svg>
  );
}
