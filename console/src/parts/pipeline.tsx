/*
 * pipeline.tsx: five columns from PostgreSQL to results. The nodes are ordinary links in reading order, which is also what
 * phones and screen readers get; the arrows are drawn over them when there is room.
 */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import * as f from '../lib/format';
import type { Overview, PipelineColumn, PipelineEdge, PipelineNode } from '../lib/types';
import { Icon, type IconName } from './icon';
import { Mark, known } from './status';

const ICONS: IconName[] = ['db', 'connectors', 'log', 'agents', 'alerts'];

interface Wire {
  edge: PipelineEdge;
  path: string;
  tip: string;
  width: number;
  beat_s: number;
  x: number;
  y: number;
}

const flowing = (e: PipelineEdge) => (e.rate_per_s ?? 0) > 0;
const rateText = (e: PipelineEdge) => e.text ?? (e.rate_per_s === null ? '' : f.rate(e.rate_per_s));
const silent = (e: PipelineEdge) => e.rate_per_s === null && e.lag_ms === null && e.text === null;

function measure(box: HTMLElement, edges: PipelineEdge[]): Wire[] {
  const base = box.getBoundingClientRect();
  if (!base.width || getComputedStyle(box.querySelector('.wires')!).display === 'none') return [];
  const nodes = new Map([...box.querySelectorAll<HTMLElement>('[data-node]')].map(n => [n.dataset.node!, n.getBoundingClientRect()]));
  return edges.flatMap(edge => {
    const a = nodes.get(edge.from), b = nodes.get(edge.to);
    if (!a || !b || silent(edge) || a.right >= b.left) return [];
    /* A small node meets a tall one at its own height. */
    const small = a.height < b.height ? a : b, big = small === a ? b : a, middle = (small.top + small.bottom) / 2;
    const inside = middle > big.top + 6 && middle < big.bottom - 6;
    const x1 = a.right - base.left, x2 = b.left - base.left;
    const y1 = (inside ? middle : (a.top + a.bottom) / 2) - base.top, y2 = (inside ? middle : (b.top + b.bottom) / 2) - base.top;
    const half = (x1 + x2) / 2, rate = edge.rate_per_s ?? 0;
    return [
      {
        edge,
        path: `M${x1} ${y1}C${half} ${y1} ${half} ${y2} ${x2 - 5} ${y2}`,
        tip: `M${x2 - 7} ${y2 - 4}L${x2 - 1} ${y2}L${x2 - 7} ${y2 + 4}`,
        width: rate > 0 ? Math.max(1.5, Math.min(5, 1.5 + Math.log10(rate) * 0.8)) : 1.5,
        beat_s: Math.max(0.7, 5 - Math.log10(Math.max(rate, 1))),
        x: half,
        y: (y1 + y2) / 2
      }
    ];
  });
}

function NodeCard({ node, inbound, column }: { node: PipelineNode; inbound: PipelineEdge | undefined; column: number }) {
  const facts = Object.entries(node.facts ?? {}), tall = column === 2 && facts.length > 0, high = !tall && facts.length > 0;
  const inside = (
    <>
      <b>
        <Mark state={node.state} />
        <span>{node.name}</span>
      </b>
      {node.note ? <small title={node.note}>{node.id.startsWith('report:') ? f.decimal(node.note) : node.note}</small> : null}
      {facts.length ? (
        <span class="node-facts">
          {facts.map(([key, value]) => (
            <span key={key}>
              <span class="dt">{key}</span> <span class="dd num">{value}</span>
            </span>
          ))}
        </span>
      ) : null}
      {inbound && !silent(inbound) ? (
        <span class={'inline-edge num is-' + known(inbound.state)}>
          {rateText(inbound)}
          {inbound.lag_ms !== null ? ' · ' + f.duration(inbound.lag_ms) : ''}
        </span>
      ) : null}
    </>
  );
  const cls = `node is-${known(node.state)}${tall ? ' tall' : high ? ' tall high' : ''}`;
  return node.path ? (
    <a class={cls} data-node={node.id} href={node.path} title={node.name}>
      {inside}
    </a>
  ) : (
    <div class={cls} data-node={node.id} title={node.name}>
      {inside}
    </div>
  );
}

function note(column: PipelineColumn): string {
  if (column.note) return column.note;
  return column.total > column.nodes.length ? `${column.nodes.length} of ${f.int(column.total)}` : '';
}

export function Pipeline({ overview }: { overview: Pick<Overview, 'columns' | 'edges'> }) {
  const box = useRef<HTMLDivElement>(null), [wires, setWires] = useState<Wire[]>([]);
  const { columns, edges } = overview;
  const draw = () => {
    if (box.current) setWires(measure(box.current, edges));
  };
  useLayoutEffect(draw, [overview]);
  useEffect(() => {
    const watcher = new ResizeObserver(() => draw());
    watcher.observe(box.current!);
    return () => watcher.disconnect();
  }, [overview]);
  return (
    <div class="pipe" role="group" aria-label="The pipeline from PostgreSQL to results" ref={box}>
      <svg class="wires" aria-hidden="true">
        {wires.map(w => (
          <g key={w.edge.from + w.edge.to}>
            <path class={'wire is-' + known(w.edge.state) + (flowing(w.edge) ? '' : ' still')} d={w.path} stroke-width={w.width} />
            {flowing(w.edge) ? <path class={'flow is-' + known(w.edge.state)} d={w.path} stroke-width={Math.max(1.6, w.width * 0.5)} style={{ '--beat': w.beat_s.toFixed(2) + 's' }} /> : null}
            <path class={'tip is-' + known(w.edge.state)} d={w.tip} />
          </g>
        ))}
      </svg>
      {columns.map((column, i) => (
        <div class={'stage stage-' + i} key={column.title}>
          <h2>
            <Icon name={ICONS[i] ?? 'log'} />
            {column.title}
            <small>{note(column)}</small>
          </h2>
          <div class="stage-nodes">
            {i === 1 && column.total === 0 && column.nodes.length === 0 ? <NodeCard column={1} inbound={undefined} node={{ id: 'create', name: 'Create a connector', note: 'nothing is captured yet', state: 'idle', path: '/connectors/new', facts: {} }} /> : null}
            {column.nodes.map(node => (
              <NodeCard key={node.id} node={node} column={i} inbound={edges.find(e => e.to === node.id)} />
            ))}
            {column.total > column.nodes.length && column.nodes.length >= 4 ? <p class="more-nodes">{column.total - column.nodes.length} more</p> : null}
          </div>
        </div>
      ))}
      {wires.map(w => (
        <div key={w.edge.from + w.edge.to} aria-hidden="true" class={'edge num is-' + known(w.edge.state)} style={{ left: w.x + 'px', top: w.y + 'px' }}>
          <b>{rateText(w.edge)}</b>
          <span title={w.edge.waiting ? `${f.int(w.edge.waiting)} waiting` : undefined}>{w.edge.lag_ms === null ? '\u00a0' : f.duration(w.edge.lag_ms)}</span>
        </div>
      ))}
    </div>
  );
}
