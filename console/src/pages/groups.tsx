/* groups.tsx: who is behind, by how much time, and whether they catch up. */
import { bootstrap } from '../lib/api';
import * as f from '../lib/format';
import { route, setQuery } from '../lib/router';
import { useStore } from '../lib/store';
import { useState } from 'preact/hooks';
import type { GroupItem } from '../lib/types';
import { Head, Segments } from '../parts/basic';
import { useCrumbs } from '../parts/frame';
import { FilterField, ServerList, sortFrom } from '../parts/server-list';
import { Spark } from '../parts/spark';
import { Empty } from '../parts/states';
import { Status } from '../parts/status';
import { Table, type Column } from '../parts/table';
import { Button } from '../parts/basic';
import { GroupPage } from './group';

export function catchesUp(g: Pick<GroupItem, 'catches_up_ms' | 'catches_up_why' | 'lag_ms' | 'waiting'>): string {
  if (g.catches_up_ms === 0 || (g.waiting === 0 && g.catches_up_ms === null)) return 'is there';
  if (g.catches_up_ms === null) return g.catches_up_why === 'no members' ? 'no members' : g.catches_up_why ? 'not at this rate' : f.DASH;
  return 'in about ' + f.duration(g.catches_up_ms);
}

const COLUMNS: Column<GroupItem>[] = [
  {
    name: 'Group',
    sort: 'group',
    cell: g => (
      <a class="strong" href={'/groups/' + encodeURIComponent(g.group)}>
        {g.group}
      </a>
    )
  },
  {
    name: 'State',
    sort: 'state',
    cell: g => (
      <Status state={g.state}>
        {g.word}
        {g.empty_since_ms ? ` for ${f.age(f.nowMs() - g.empty_since_ms)}` : ''}
      </Status>
    )
  },
  { name: 'Members', align: 'num', sort: 'members', cell: g => f.int(g.members_count) },
  { name: 'Reads', label: true, class: 'cut', cell: g => (g.topics ? (g.topics.length > 1 ? f.plural(g.topics.length, 'topic') : (g.topics[0] ?? f.DASH)) : f.DASH) },
  { name: 'Behind', align: 'num', sort: 'lag_ms', cell: g => <span class={g.state === 'ok' ? 'strong' : 'strong is-' + g.state}>{f.duration(g.lag_ms)}</span> },
  { name: 'Messages', align: 'num', sort: 'waiting', cell: g => f.int(g.waiting) },
  { name: 'Last hour', cell: g => (g.last_hour ? <Spark values={g.last_hour} state={g.state} /> : null) },
  { name: 'Catches up', align: 'num', cell: catchesUp }
];

export function GroupTable({ items }: { items: GroupItem[] }) {
  return <Table columns={COLUMNS} items={items} label="Consumer groups" keyOf={g => g.group} open={g => '/groups/' + encodeURIComponent(g.group)} />;
}

const STATES: [string, string][] = [
  ['', 'All'],
  ['warn', 'Behind'],
  ['idle', 'No members']
];

function GroupList() {
  useCrumbs([['Groups']]);
  const { query: q } = useStore(route), text = q.get('q'), state = q.get('state') ?? '', [total, setTotal] = useState<number | null>(null);
  return (
    <div class="page">
      <Head title="Groups" sub={total === null ? ' ' : `${f.plural(total, 'group')}; the furthest behind first, those without members last`} />
      <div class="bar">
        <FilterField label="Group, topic or client contains" value={text ?? ''} onChange={v => setQuery({ q: v })} />
        <Segments label="State" items={STATES} value={state} onPick={v => setQuery({ state: v })} />
      </div>
      <ServerList
        path="/groups"
        params={{ q: text, state: state || null }}
        revision="groups"
        columns={COLUMNS}
        label="Consumer groups"
        keyOf={g => g.group}
        {...(sortFrom(q) ? { sort: sortFrom(q)! } : {})}
        onSort={s => setQuery({ sort: s.by, dir: s.dir })}
        open={g => '/groups/' + encodeURIComponent(g.group)}
        onTotal={setTotal}
        empty={
          <Empty icon="groups" title="No consumer groups yet" command={`kafka-console-consumer ${bootstrap()} --topic TOPIC --group NAME`} actions={<Button href="/topics">Show the topics</Button>}>
            A group appears when a consumer with a group id joins or commits.
          </Empty>
        }
        nothing={
          <Empty icon="search" title="No group is like that" small actions={<Button onClick={() => setQuery({ q: null, state: null })}>Clear the filter</Button>}>
            Names, topics and client ids were searched.
          </Empty>
        }
      />
    </div>
  );
}

export function Groups({ rest }: { rest: string[] }) {
  return rest[0] === undefined ? <GroupList /> : <GroupPage name={rest[0]} key={rest[0]} />;
}
