/* table.tsx: tables that are tables: heads with scope, rows that open are links too, cards on phones. */
import type { ComponentChildren } from 'preact';
import { go } from '../lib/router';

export type Align = 'num' | 'grow' | '';
export interface Column<T> {
  name: string;
  align?: Align;
  class?: string;
  cell: (item: T, index: number) => ComponentChildren;
  /* What the list is sorted by when this head is pressed */
  sort?: string;
  /* On phones the name stands before the cell */
  label?: boolean;
  title?: string;
}
export interface Sort {
  by: string;
  dir: 'asc' | 'desc';
}

/* Pressed once: numbers largest first, text by letter; pressed again: the other way round. */
function turned<T>(c: Column<T>, sort: Sort | undefined): Sort {
  const first = c.align === 'num' ? 'desc' : 'asc';
  return { by: c.sort!, dir: sort?.by !== c.sort ? first : sort?.dir === 'desc' ? 'asc' : 'desc' };
}

export function Heads<T>({ columns, sort, onSort }: { columns: Column<T>[]; sort?: Sort | undefined; onSort?: ((sort: Sort) => void) | undefined }) {
  return (
    <thead>
      <tr>
        {columns.map(c => (
          <th key={c.name} scope="col" class={c.align ?? ''} title={c.title} aria-sort={c.sort && sort?.by === c.sort ? (sort.dir === 'asc' ? 'ascending' : 'descending') : undefined}>
            {c.sort && onSort ? (
              <button type="button" class="sort" onClick={() => onSort(turned(c, sort))}>
                {c.name}
                <span aria-hidden="true">{sort?.by === c.sort ? (sort.dir === 'asc' ? ' ↑' : ' ↓') : ''}</span>
              </button>
            ) : (
              c.name
            )}
          </th>
        ))}
      </tr>
    </thead>
  );
}

export interface RowOptions<T> {
  open?: (item: T) => string | null;
  onOpen?: (item: T, index: number) => void;
  selected?: (item: T, index: number) => boolean;
  rowClass?: (item: T) => string;
}

export function BodyRow<T>({ item, index, columns, options }: { item: T; index: number; columns: Column<T>[]; options: RowOptions<T> }) {
  const href = options.open?.(item) ?? null, opens = href !== null || options.onOpen !== undefined;
  const open = () => (href !== null ? go(href) : options.onOpen?.(item, index));
  const onClick = (event: MouseEvent) => {
    if (!(event.target as Element).closest('a,button,input,label') && !getSelection()?.toString()) open();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.target !== event.currentTarget) return;
    event.preventDefault();
    open();
  };
  return (
    <tr class={options.rowClass?.(item) || undefined} aria-selected={options.selected?.(item, index)} {...(opens ? { 'data-row': '', tabIndex: 0, onClick, onKeyDown } : {})}>
      {columns.map(c => (
        <td key={c.name} class={[c.align, c.class].filter(Boolean).join(' ') || undefined} data-label={c.label || c.align === 'num' ? c.name : undefined}>
          {c.cell(item, index)}
        </td>
      ))}
    </tr>
  );
}

export function Table<T>({ columns, items, label, class: cls, sort, onSort, keyOf, ...options }: { columns: Column<T>[]; items: T[]; label: string; class?: string; sort?: Sort; onSort?: (sort: Sort) => void; keyOf?: (item: T, index: number) => string | number } & RowOptions<T>) {
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={label}>
      <table class={cls ?? 'cards'}>
        <Heads columns={columns} sort={sort} onSort={onSort} />
        <tbody>
          {items.map((item, i) => (
            <BodyRow key={keyOf ? keyOf(item, i) : i} item={item} index={i} columns={columns} options={options} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
