/* cell.tsx: one value of a row. Values are text from the server to here; only decimals get their thousands apart. */
import { digits, visible } from '../lib/format';
import type { RowColumn } from '../lib/types';

const NUMBER = /^(u?int\d*|small(int|serial)|big(int|serial)|serial\d*|integer|numeric|decimal|float\d*|real|double|money|oid)/i;
const DECIMAL = /^(numeric|decimal|float\d*|real|double)/i;
export const isNumber = (type: string) => NUMBER.test(type) && !/\[\]$/.test(type);

export function Value({ value, type }: { value: string | null; type: string }) {
  if (value === null) return <span class="is-idle">null</span>;
  if (value === '') return <span class="is-idle">empty</span>;
  return <>{DECIMAL.test(type) ? digits(value) : visible(value)}</>;
}

/* In lists: ~~old~~ new where it changed, struck where the row was deleted. */
export function Cell({ column, op }: { column: RowColumn | undefined; op: string }) {
  if (!column) return null;
  if (column.unavailable) return <span class="is-idle">not sent</span>;
  if (column.masked) return <span class="is-idle">hidden</span>;
  if (op === 'd')
    return column.before === null ? null : (
      <del class="faded">
        <Value value={column.before} type={column.type} />
      </del>
    );
  if (op === 'u' && column.changed && column.before !== null)
    return (
      <span class="changed">
        <del>
          <Value value={column.before} type={column.type} />
        </del>
        <ins>
          <Value value={column.after} type={column.type} />
        </ins>
      </span>
    );
  return <Value value={column.after} type={column.type} />;
}
