/* spark.tsx: the shape of the last hour, without numbers. */
import type { State } from '../lib/types';

const W = 96, H = 22;

export function Spark({ values, state }: { values: (number | null)[]; state: State }) {
  const known = values.filter((v): v is number => v !== null);
  if (known.length < 2) return null;
  const max = Math.max(...known, 1e-9), step = W / (values.length - 1);
  let line = '', pen = false, from = 0, area = '';
  values.forEach((v, i) => {
    if (v === null) {
      if (pen) area += `L${((i - 1) * step).toFixed(1)} ${H}L${from.toFixed(1)} ${H}Z`;
      pen = false;
      return;
    }
    const at = `${(i * step).toFixed(1)} ${(H - 1.5 - (v / max) * (H - 3)).toFixed(1)}`;
    if (!pen) from = i * step;
    line += (pen ? 'L' : 'M') + at;
    area += (pen ? 'L' : 'M') + at;
    pen = true;
  });
  if (pen) area += `L${W} ${H}L${from.toFixed(1)} ${H}Z`;
  return (
    <svg class={'spark ' + state} viewBox={`0 0 ${W} ${H}`} width={W} height={H} aria-hidden="true" preserveAspectRatio="none">
      <path class="area" d={area} />
      <path class="line" d={line} />
    </svg>
  );
}
