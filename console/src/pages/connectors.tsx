/* connectors.tsx: all connectors. */
import { useState } from 'preact/hooks';
import * as f from '../lib/format';
import { route, setQuery } from '../lib/router';
import { useStore } from '../lib/store';
import type { Connector } from '../lib/types';
import { Button, Head } from '../parts/basic';
import { useCrumbs } from '../parts/frame';
import { FilterField, ServerList, sortFrom } from '../parts/server-list';
import { Empty } from '../parts/states';
import { Status } from '../parts/status';
import type { Column } from '../parts/table';
import { ConnectorPage } from './connector';
import { CreateConnector } from './connector-new';

export function snapshotWord(c: Connector): string {
  const s = c.snapshot;
  if (!s || s.state === 'done') return 'done';
  const rows = s.tables.reduce((sum, t) => sum + t.rows, 0), about = s.tables.reduce((sum, t) => sum + (t.rows_about ?? 0), 0);
  return s.state === 'running' && about ? f.percent(Math.min(1, rows / about)) : s.state;
}

export const behind = (c: Connector) => c.lag_ms ?? c.ages_ms?.durable ?? null;

const COLUMNS: Column<Connector>[] = [
  {
    name: 'Connector',
    sort: 'name',
    cell: c => (
      <a class="strong" href={'/connectors/' + encodeURIComponent(c.name)}>
        {c.name}
      </a>
    )
  },
  { name: 'State', sort: 'state', cell: c => <Status state={c.state}>{c.word}</Status> },
  { name: 'Database', label: true, sort: 'database', cell: c => c.database ?? f.DASH },
  { name: 'Tables', align: 'num', cell: c => f.int(c.tables) },
  { name: 'Rows', align: 'num', sort: 'rows_per_s', cell: c => f.rate(c.rows_per_s) },
  { name: 'Behind', align: 'num', sort: 'lag_ms', cell: c => f.duration(behind(c)) },
  { name: 'WAL kept', align: 'num', sort: 'wal_bytes', cell: c => f.bytes(c.wal_bytes) },
  { name: 'Snapshot', label: true, cell: snapshotWord }
];

function ConnectorList() {
  useCrumbs([['Connectors']]);
  const { query: q } = useStore(route), text = q.get('q'), [total, setTotal] = useState<number | null>(null);
  return (
    <div class="page">
      <Head title="Connectors" sub={total === null ? ' ' : f.plural(total, 'connector')}>
        <Button kind="primary" icon="plus" href="/connectors/new">
          Create connector
        </Button>
      </Head>
      {total !== null && (total > 8 || text) ? (
        <div class="bar">
          <FilterField label="Name or database contains" value={text ?? ''} onChange={v => setQuery({ q: v })} />
        </div>
      ) : null}
      <ServerList
        path="/connectors"
        params={{ q: text }}
        revision="connectors"
        columns={COLUMNS}
        label="Connectors"
        keyOf={c => c.name}
        {...(sortFrom(q) ? { sort: sortFrom(q)! } : {})}
        onSort={s => setQuery({ sort: s.by, dir: s.dir })}
        open={c => '/connectors/' + encodeURIComponent(c.name)}
        onTotal={setTotal}
        empty={
          <Empty
            icon="connectors"
            title="No connector yet"
            command="tailrace connectors create connector.json"
            actions={
              <Button kind="primary" href="/connectors/new">
                Create a connector
              </Button>
            }
          >
            A connector captures the committed rows of a PostgreSQL database into topics. The JSON of a Debezium connector works as it is.
          </Empty>
        }
        nothing={
          <Empty icon="search" title="No connector is called that" small actions={<Button onClick={() => setQuery({ q: null })}>Clear the filter</Button>}>
            Names and databases were searched.
          </Empty>
        }
      />
    </div>
  );
}

export function Connectors({ rest }: { rest: string[] }) {
  if (rest[0] === undefined) return <ConnectorList />;
  return rest[0] === 'new' ? <CreateConnector /> : <ConnectorPage name={rest[0]} tab={rest[1] ?? 'status'} key={rest[0]} />;
}
