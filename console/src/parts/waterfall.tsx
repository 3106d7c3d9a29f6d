/* waterfall.tsx: the steps of one row, counted from its commit. Steps that are "later" stand off the scale. */
import * as f from '../lib/format';
import type { Hop } from '../lib/types';

const WHY = 'The stamps of this batch are no longer kept; commit and append are all that is known.';

export function Waterfall({ hops, own }: { hops: Hop[]; own?: number }) {
  const total = Math.max(1, ...hops.filter(h => !h.later && h.known !== 'no').map(h => h.start_us + (h.took_us ?? 0))), span = total * 1.04;
  return (
    <ol class="fall">
      {hops.map((hop, i) => {
        const end = hop.start_us + (hop.took_us ?? 0), known = hop.known !== 'no';
        return (
          <li key={i} class={i === own ? 'me' : ''}>
            <span class="fall-name">
              <i class={'fall-dot st-' + hop.stage} />
              <span>{hop.step}</span>
              <small>{hop.note}</small>
            </span>
            <span class="fall-bar">
              {!known ? null : hop.later ? (
                <em>later</em>
              ) : (
                <i class={'st-' + hop.stage} style={{ left: ((hop.start_us / span) * 100).toFixed(2) + '%', width: (((hop.took_us ?? 0) / span) * 100).toFixed(2) + '%' }} />
              )}
            </span>
            <span class="fall-at num" title={known ? undefined : WHY}>
              {!known ? 'not known' : i === 0 && end === 0 ? '0' : '+' + f.micros(end)}
            </span>
            <span class="fall-took num">{known && hop.took_us ? f.micros(hop.took_us) : ''}</span>
          </li>
        );
      })}
    </ol>
  );
}
