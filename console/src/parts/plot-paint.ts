/* plot-paint.ts: uPlot behind three calls. Colours come from the tokens, so a plot is painted anew when the theme changes. */
import uPlot from 'uplot';
import * as f from '../lib/format';
import type { PlotOptions } from './plot';

export interface Painter {
  update(o: PlotOptions): void;
  resize(): void;
  destroy(): void;
}

const LEFT = 58, TICKS = 3, STEPS = [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8];

function columns(o: PlotOptions): uPlot.AlignedData {
  const n = Math.max(0, ...o.series.map(s => s.values.length));
  return [Array.from({ length: n }, (_, i) => (o.t0_ms + i * o.step_ms) / 1000), ...o.series.map(s => s.values)];
}

/* The next of 1, 1.2, 1.6, 2, … that is not below: also its half is short. */
const round = (max: number) => {
  const ten = 10 ** Math.floor(Math.log10(max));
  return (STEPS.find(s => s * ten >= max * 0.9999) ?? 10) * ten;
};

/* 0, half and top, the top being a round number */
function top(o: PlotOptions): [number, number] {
  const all = o.series.flatMap(s => s.values).filter((v): v is number => v !== null);
  const max = Math.max(...all, o.limit?.value ?? -Infinity);
  if (o.free) {
    const min = Math.min(...all), pad = (max - min || Math.abs(max) || 1) * 0.12;
    return [min - pad, max + pad];
  }
  return [0, max > 0 ? (o.limit ? max : round(max)) * 1.06 : 1];
}

/* A value between gaps has no line, so it is a point. */
const alone = (values: ArrayLike<number | null | undefined>) => Array.from(values, (v, i) => (v != null && values[i - 1] == null && values[i + 1] == null ? i : -1)).filter(i => i >= 0);

export function paint(box: HTMLElement, first: PlotOptions): Painter {
  let o = first;
  const css = getComputedStyle(box), color = (name: string) => css.getPropertyValue(name).trim();
  const text = color('--text-3'), line = color('--line'), crit = color('--crit');
  /* Read once: the box may be gone when the plot is painted for the last time. */
  const series = [1, 2, 3, 4, 5, 6].map(n => color('--series-' + n)), panel = color('--panel'), family = css.fontFamily, font = `10.5px ${family}`;
  const stroke = (n: number) => series[n - 1]!;
  const fill = (n: number) => (u: uPlot) => {
    const gradient = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height);
    gradient.addColorStop(0, stroke(n) + '38');
    gradient.addColorStop(1, stroke(n) + '00');
    return gradient;
  };
  const size = () => ({ width: Math.max(80, box.clientWidth), height: Math.max(60, box.clientHeight) });
  const options: uPlot.Options = {
    ...size(),
    legend: { show: false },
    cursor: { sync: { key: 'page', setSeries: false }, y: false, points: { size: 5 }, drag: { x: false, y: false } },
    padding: [8, 12, 0, 0],
    scales: { x: { time: true }, y: { range: () => top(o) } },
    axes: [
      { size: 20, grid: { show: false }, ticks: { show: false }, values: () => [] },
      {
        stroke: text,
        font,
        size: LEFT,
        gap: 6,
        grid: { stroke: line, width: 1 },
        ticks: { show: false },
        splits: () => {
          const [from, to] = top(o), head = o.free ? to : to / 1.06;
          return Array.from({ length: TICKS }, (_, i) => from + ((head - from) * i) / (TICKS - 1));
        },
        values: (_, splits) => splits.map(s => (s === 0 ? '0' : o.unit(s).replace(/(min|h|d)\s.*/, '$1'))) /* "53 min" has room, its seconds have not */
      }
    ],
    series: [
      {},
      ...first.series.map((s, i): uPlot.Series => {
        const shape: uPlot.Series = { label: s.name, stroke: stroke(s.color), width: 1.6, spanGaps: false, points: { show: s.points === true, size: 5, fill: panel, filter: (u, i, show) => (show ? null : alone(u.data[i]!)) } };
        if (s.dash) shape.dash = [4, 4];
        else if (i === 0) shape.fill = fill(s.color);
        if (s.points) shape.paths = () => null;
        return shape;
      })
    ],
    hooks: {
      draw: [
        u => {
          /* The ends of the axis are written inwards, so that they never meet the numbers on the left. */
          const xs = u.data[0], n = xs.length, bottom = u.bbox.top + u.bbox.height + 5 * devicePixelRatio;
          u.ctx.save();
          u.ctx.fillStyle = text;
          u.ctx.font = `${10.5 * devicePixelRatio}px ${family}`;
          u.ctx.textBaseline = 'top';
          for (const [i, align, x] of [
            [0, 'left', 0],
            [(n - 1) / 2, 'center', 0.5],
            [n - 1, 'right', 1]
          ] as const) {
            u.ctx.textAlign = align;
            u.ctx.fillText(moment(o.t0_ms + i * o.step_ms, o), u.bbox.left + x * u.bbox.width, bottom);
          }
          u.ctx.restore();
        },
        u => {
          if (!o.limit) return;
          const y = Math.round(u.valToPos(o.limit.value, 'y', true)), ratio = devicePixelRatio;
          u.ctx.save();
          u.ctx.strokeStyle = u.ctx.fillStyle = crit;
          u.ctx.lineWidth = ratio;
          u.ctx.setLineDash([3 * ratio, 3 * ratio]);
          u.ctx.beginPath();
          u.ctx.moveTo(u.bbox.left, y);
          u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
          u.ctx.stroke();
          u.ctx.font = `500 ${10.5 * ratio}px ${family}`;
          u.ctx.textAlign = 'left';
          u.ctx.textBaseline = 'bottom';
          u.ctx.fillText(o.limit.text, u.bbox.left + 6 * ratio, y - 3 * ratio);
          u.ctx.restore();
        }
      ],
      setCursor: [u => tip(u)]
    }
  };
  const bubble = document.createElement('div');
  bubble.className = 'plot-tip';
  bubble.hidden = true;
  function tip(u: uPlot): void {
    const i = u.cursor.idx;
    if (i === null || i === undefined || (u.cursor.left ?? -1) < 0) {
      bubble.hidden = true;
      return;
    }
    const lines = [f.time(o.t0_ms + i * o.step_ms), ...o.series.flatMap(s => (s.values[i] === null || s.values[i] === undefined ? [] : [`${s.name} ${o.unit(s.values[i]!)}`]))];
    bubble.replaceChildren(...lines.map(l => Object.assign(document.createElement('span'), { textContent: l })));
    bubble.hidden = false;
    const x = u.cursor.left! + LEFT, right = x > box.clientWidth / 2;
    bubble.style.left = right ? '' : x + 12 + 'px';
    bubble.style.right = right ? box.clientWidth - x + 12 + 'px' : '';
  }
  const plot = new uPlot(options, columns(o), box);
  box.append(bubble);
  return {
    update(next) {
      o = next;
      plot.setData(columns(o));
    },
    resize: () => plot.setSize(size()),
    destroy() {
      bubble.remove();
      plot.destroy();
    }
  };
}

/* The axis says how long ago, with the end as "now"; for more than two days or for other ends the date. */
function moment(at_ms: number, o: PlotOptions): string {
  const now = f.nowMs(), away = at_ms - now, step = Math.max(o.step_ms, 1500);
  if (Math.abs(away) <= step * 1.5) return 'now';
  const minutes = Math.abs(away / 60000), five = Math.round(minutes / 5) * 5, sign = away > 0 ? '+' : '−';
  const size = five >= 10 && Math.abs(minutes - five) * 60000 <= step * 1.5 ? five : Math.round(minutes); /* a point stands for a step */
  if (size < 1) return `${sign}${Math.abs(Math.round(away / 1000))}${f.GAP}s`;
  if (size <= 90) return `${sign}${size}${f.GAP}min`;
  if (size <= 48 * 60) return `${sign}${+(size / 60).toFixed(1)}${f.GAP}h`;
  return f.fullTime(at_ms).slice(0, 10);
}
