/* settings.tsx: every setting with its meaning; what is changed here applies at once. */
import { useState } from 'preact/hooks';
import { asError, change, me, query } from '../lib/api';
import * as f from '../lib/format';
import { useAnswer } from '../lib/hooks';
import { prefs, setPrefs, type Theme } from '../lib/prefs';
import { route, setQuery } from '../lib/router';
import { useStore } from '../lib/store';
import type { ConfigChange, ErrorBody, Filter, List, Setting } from '../lib/types';
import { Button, Facts, Head, Panel, Segments } from '../parts/basic';
import { ask, Dialog, ErrorLine, openDialog } from '../parts/dialog';
import { useCrumbs } from '../parts/frame';
import { FilterField } from '../parts/server-list';
import { Empty, Shown } from '../parts/states';
import { Table, type Column } from '../parts/table';
import { say } from '../parts/toast';

function Edit({ setting: s, close, done }: { setting: Setting; close: () => void; done: () => void }) {
  const [value, setValue] = useState(s.secret ? '' : (s.value ?? '')), [effect, setEffect] = useState<ConfigChange | null>(null), [error, setError] = useState<ErrorBody | null>(null);
  const body = { set: { [s.name]: value } };
  return (
    <Dialog
      title={s.name}
      close={close}
      foot={
        <>
          <span class="push" />
          <Button onClick={close}>Cancel</Button>
          <Button
            kind="primary"
            changes
            disabled={value === (s.value ?? '')}
            busy="Applying…"
            onClick={async () => {
              try {
                setError(null);
                if (!effect) {
                  setEffect((await change<{ changes: ConfigChange[] }>('PATCH', '/settings', { ...body, dry_run: true })).changes[0] ?? null);
                  return;
                }
                await change('PATCH', '/settings', body);
                close();
                say(`${s.name} is now ${s.secret ? 'changed' : value || 'empty'}`);
                done();
              } catch (e) {
                setError(asError(e));
              }
            }}
          >
            {effect ? 'Apply' : 'Review'}
          </Button>
        </>
      }
    >
      <p>{s.meaning}.</p>
      <label class="form-row">
        <span class="lab">{s.unit ? `Value, in ${s.unit}` : 'Value'}</span>
        <input class="mono" type={s.secret ? 'password' : 'text'} data-first spellcheck={false} value={value} onInput={e => (setValue(e.currentTarget.value), setEffect(null))} />
      </label>
      <div aria-live="polite">
        {effect ? (
          <p>
            {effect.old ?? f.DASH} → <b>{effect.new ?? f.DASH}</b>
            {effect.effect ? `; ${effect.effect}` : ''}
          </p>
        ) : null}
      </div>
      {error ? <ErrorLine error={error} /> : null}
    </Dialog>
  );
}

function valueOf(s: Setting, value: string | null): string {
  if (value === null || value === '') return value === null ? f.DASH : 'empty';
  const n = Number(value);
  if (n > 9e18) return 'no limit';
  if (s.unit === 'ms' && n >= 1000) return `${f.duration(n)} (${value})`;
  if (s.unit === 'bytes' && n >= 1024) return `${f.bytes(n)} (${value})`;
  return value;
}

function All() {
  const { query: q } = useStore(route), text = q.get('q') ?? '', changedOnly = q.get('changed') === '1';
  const answer = useAnswer<List<Setting>>('/settings' + query({ q: text, limit: 500 }));
  const columns: Column<Setting>[] = [
    { name: 'Setting', cell: s => <code>{s.name}</code> },
    {
      name: 'Value',
      label: true,
      class: 'wrap',
      cell: s => (
        <span>
          <b>{valueOf(s, s.value)}</b>
          {s.source === 'default' || s.secret ? null : <small class="under">default: {valueOf(s, s.default)}</small>}
        </span>
      )
    },
    { name: 'Comes from', label: true, cell: s => (s.source === 'default' ? <span class="is-idle">default</span> : <span class="tag">{s.source}</span>) },
    { name: 'Meaning', class: 'wrap', cell: s => s.meaning },
    {
      name: 'Applies',
      cell: s =>
        s.applies === 'now' ? (
          <Button kind="small" changes onClick={() => openDialog(close => <Edit setting={s} close={close} done={answer.reload} />)}>
            Edit
          </Button>
        ) : (
          <span class="is-idle">on restart</span>
        )
    }
  ];
  return (
    <Panel label="All settings">
      <div class="bar pad-bar">
        <FilterField label="Name or meaning contains" value={text} onChange={v => setQuery({ q: v })} />
        <Segments
          label="Which"
          items={[
            ['all', 'All'],
            ['changed', 'Changed']
          ]}
          value={changedOnly ? 'changed' : 'all'}
          onPick={v => setQuery({ changed: v === 'changed' ? '1' : null })}
        />
      </div>
      <Shown answer={answer} rows={8}>
        {list => {
          const items = changedOnly ? list.items.filter(s => s.source !== 'default') : list.items;
          return items.length ? (
            <Table columns={columns} items={items} label="Settings" keyOf={s => s.name} />
          ) : (
            <Empty icon="search" title="No setting is like that" small actions={<Button onClick={() => setQuery({ q: null, changed: null })}>Clear the filter</Button>}>
              Names and meanings were searched.
            </Empty>
          );
        }}
      </Shown>
    </Panel>
  );
}

function Filters() {
  const answer = useAnswer<{ items: Filter[] }>('/filters');
  return (
    <Panel title="Saved filters" extra="for everyone">
      <Shown answer={answer} rows={2}>
        {list =>
          list.items.length ? (
            <Table
              label="Saved filters"
              items={list.items}
              keyOf={x => x.id}
              columns={[
                { name: 'Name', cell: x => <a href={`/topics/${encodeURIComponent(x.topic)}` + query({ filter: x.filter })}>{x.name}</a> },
                { name: 'Topic', label: true, cell: x => x.topic },
                { name: 'Filter', class: 'wrap', cell: x => <code>{x.filter}</code> },
                {
                  name: 'Delete',
                  cell: x => (
                    <Button
                      kind="small"
                      changes
                      onClick={() =>
                        ask({ title: `Delete the filter “${x.name}”?`, effect: <p>It is gone for everyone. Links that have it in their address still work.</p>, button: 'Delete', busy: 'Deleting…', danger: true, run: () => change('DELETE', '/filters/' + encodeURIComponent(x.id)), done: 'The filter is deleted', then: answer.reload })
                      }
                    >
                      Delete…
                    </Button>
                  )
                }
              ]}
            />
          ) : (
            <p class="pad-line">None yet; “Save” beside the filter of a topic keeps one.</p>
          )
        }
      </Shown>
    </Panel>
  );
}

export function Settings(_: { rest: string[] }) {
  useCrumbs([['Settings']]);
  const p = useStore(prefs), who = useStore(me);
  return (
    <div class="page">
      <Head title="Settings" sub="Every setting of the program, and what this browser remembers." />
      <div class="cols-2 even">
        <Panel title="This browser">
          <div class="pad16 prefs">
            <div class="bar">
              <span class="lab">Theme</span>
              <Segments<Theme>
                label="Theme"
                items={[
                  ['system', 'As the system'],
                  ['light', 'Light'],
                  ['dark', 'Dark']
                ]}
                value={p.theme}
                onPick={theme => setPrefs({ theme })}
              />
            </div>
            <div class="bar">
              <span class="lab">Times in</span>
              <Segments
                label="Times in"
                items={[
                  ['browser', 'This zone'],
                  ['utc', 'UTC']
                ]}
                value={p.zone}
                onPick={zone => setPrefs({ zone: zone as 'browser' | 'utc' })}
              />
              <span class="hint">now {f.zoneName()}</span>
            </div>
            <label class="check">
              <input type="checkbox" checked={p.letters} onChange={e => setPrefs({ letters: e.currentTarget.checked })} /> Single letters are keys (press ? for the list)
            </label>
          </div>
        </Panel>
        <Panel title="Access">
          <Facts
            list={[
              ['This browser', who?.access === 'write' ? 'may change everything' : who?.access === 'read' ? 'may only look' : f.DASH],
              ['Login', who?.login === 'none' ? 'not required: the console listens on this machine only' : 'by token'],
              ['Version', who?.version ?? f.DASH],
              ['Host', who?.host ?? f.DASH]
            ]}
          />
        </Panel>
      </div>
      <Filters />
      <All />
    </div>
  );
}
