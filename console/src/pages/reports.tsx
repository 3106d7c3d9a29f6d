/* reports.tsx: questions asked of PostgreSQL again and again, with their answers as a plot. */
import { useState } from 'preact/hooks';
import { asError, at, change, get, query } from '../lib/api';
import { second } from '../lib/clock';
import * as f from '../lib/format';
import { useLive } from '../lib/hooks';
import { useStore } from '../lib/store';
import type { Report, ReportItem, ReportRun } from '../lib/types';
import { Button, Dots, Head, Panel, When } from '../parts/basic';
import { Code } from '../parts/code';
import { useCrumbs } from '../parts/frame';
import { Plot } from '../parts/plot';
import { ServerList } from '../parts/server-list';
import { Empty, Shown } from '../parts/states';
import { Status } from '../parts/status';
import { Table, type Column } from '../parts/table';
import { say } from '../parts/toast';
import { NewButton, Steering, Trouble } from '../parts/versioned';

/* SQL gives an average with sixteen decimals. */
const short = f.decimal;
const value = (v: string | null, unit: string | null) => (v === null ? <span class="is-idle">no rows</span> : `${short(v)}${unit ? f.GAP + unit : ''}`);

/* The runs on an even grid: one that failed or found no rows leaves a gap. */
const POINTS = 60;
function line(r: Report) {
  const times = r.runs.map(run => run.at_ms), t0_ms = Math.min(...times), step_ms = Math.max(1, (Math.max(...times) - t0_ms) / (Math.min(POINTS, times.length) - 1));
  const values: (number | null)[] = Array.from({ length: Math.min(POINTS, times.length) }, () => null);
  for (const run of r.runs) if (run.value !== null) values[Math.round((run.at_ms - t0_ms) / step_ms)] = Number(run.value);
  return { t0_ms, step_ms, values };
}

function Results({ r }: { r: Report }) {
  const { t0_ms, step_ms, values } = line(r);
  return <Plot label={`Results of ${r.report}`} t0_ms={t0_ms} step_ms={step_ms} unit={v => (Math.abs(v) < 1000 ? v.toFixed(1) : f.si(v)) + (r.unit ? f.GAP + r.unit : '')} height={220} free series={[{ name: r.unit ?? 'value', color: 1, values, ...(r.value === null ? {} : { now: short(r.value) }) }]} />;
}

function In({ at: at_ms }: { at: number | null }) {
  useStore(second);
  if (at_ms === null) return <>{f.DASH}</>;
  return <>{at_ms <= f.nowMs() ? 'now' : 'in ' + f.duration(Math.ceil((at_ms - f.nowMs()) / 1000) * 1000)}</>;
}

const COLUMNS: Column<ReportItem>[] = [
  {
    name: 'Report',
    cell: r => (
      <a class="strong" href={at('reports', r.report)}>
        {r.report}
      </a>
    )
  },
  { name: 'State', cell: r => <Status state={r.state}>{r.word}</Status> },
  { name: 'Last value', align: 'num', cell: r => value(r.value, r.unit) },
  { name: 'At', align: 'num', cell: r => <When at={r.at_ms} /> },
  { name: 'Every', align: 'num', cell: r => f.duration(r.every_ms) },
  { name: 'Next', align: 'num', cell: r => <In at={r.next_ms} /> }
];

function ReportList() {
  useCrumbs([['Reports']]);
  const [total, setTotal] = useState<number | null>(null);
  return (
    <div class="page">
      <Head title="Reports" sub={total === null ? ' ' : f.plural(total, 'report')}>
        <NewButton kind="reports" first />
      </Head>
      <ServerList
        path="/reports"
        params={{}}
        revision="reports"
        columns={COLUMNS}
        label="Reports"
        keyOf={r => r.report}
        open={r => at('reports', r.report)}
        onTotal={setTotal}
        empty={
          <Empty icon="reports" title="No report is set up" actions={<NewButton kind="reports" />} command="tailrace report average --table temperature_readings --column temperature --every 10m">
            A report asks PostgreSQL a question every few minutes and keeps the answers, such as the average temperature of the last ten minutes.
          </Empty>
        }
        nothing={null}
      />
    </div>
  );
}

function Runs({ r }: { r: Report }) {
  const [older, setOlder] = useState<ReportRun[]>([]), [end, setEnd] = useState(r.runs.length < 10);
  const runs = [...r.runs, ...older.filter(o => !r.runs.some(x => x.at_ms === o.at_ms))];
  const more = async () => {
    try {
      const list = await get<{ items: ReportRun[] }>(at('reports', r.report, 'runs') + query({ before: runs[runs.length - 1]?.at_ms, limit: 50 }));
      setOlder([...older, ...list.items]);
      if (list.items.length < 50) setEnd(true);
    } catch (e) {
      say(asError(e).what, 'crit');
    }
  };
  return (
    <Panel title="Last runs">
      <Table
        label="Runs"
        items={runs}
        keyOf={x => x.at_ms}
        columns={[
          { name: 'At', cell: x => <When at={x.at_ms} /> },
          { name: r.unit ?? 'Value', align: 'num', cell: x => (x.error ? <Status state="crit">failed</Status> : value(x.value, null)) },
          { name: 'Rows', align: 'num', cell: x => f.int(x.rows) },
          { name: 'Took', align: 'num', cell: x => f.duration(x.took_ms) },
          { name: 'Error', class: 'wrap', cell: x => x.error ?? '' }
        ]}
      />
      {end ? null : (
        <footer class="panel-foot">
          <Button kind="small" onClick={more}>
            Older runs
          </Button>
        </footer>
      )}
    </Panel>
  );
}

function ReportPage({ name }: { name: string }) {
  useCrumbs([['Reports', '/reports'], [name]]);
  const answer = useLive(at('reports', name), 'report:' + name, 'report');
  const run = async () => {
    try {
      await change('POST', at('reports', name, 'run'));
      say(`${name} ran`);
    } catch (e) {
      say(asError(e).what, 'crit');
    }
    await answer.reload();
  };
  return (
    <div class="page">
      <Shown answer={answer} rows={8}>
        {r => (
          <>
            <Head title={name}>
              <Button icon="play" changes busy="Running…" onClick={run}>
                Run now
              </Button>
              <Steering kind="reports" name={name} paused={r.paused} config={r.config} reload={answer.reload} />
            </Head>
            <p class="sub num">
              <Dots>
                <Status state={r.state}>{r.word}</Status>
                {`every ${f.duration(r.every_ms)}`}
                {r.next_ms && !r.paused ? (
                  <span>
                    next at <When at={r.next_ms} />, <In at={r.next_ms} />
                  </span>
                ) : null}
                {r.runs[0]?.took_ms ? `last took ${f.duration(r.runs[0].took_ms)}` : null}
                {r.runs[0]?.rows !== null && r.runs[0] ? `${f.plural(r.runs[0].rows ?? 0, 'row')} read` : null}
                {r.database ? `database ${r.database}` : null}
              </Dots>
            </p>
            <Trouble error={r.error} state="warn" />
            <Panel title="Results" extra={r.runs.length > 1 ? `the last ${f.int(r.runs.length)} runs` : null}>
              {r.runs.length > 1 ? <Results r={r} /> : null}
            </Panel>
            <div class="cols-2 even">
              <Panel title="Query" class="wraps">
                <Code text={r.query} label="SQL" />
              </Panel>
              <Runs r={r} />
            </div>
          </>
        )}
      </Shown>
    </div>
  );
}

export function Reports({ rest }: { rest: string[] }) {
  return rest[0] === undefined ? <ReportList /> : <ReportPage name={rest[0]} key={rest[0]} />;
}
