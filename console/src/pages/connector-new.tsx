/* connector-new.tsx: from PostgreSQL to topics, checked before anything is made. */
import { useState } from 'preact/hooks';
import { asError, change, curl } from '../lib/api';
import { go, route, setQuery } from '../lib/router';
import { useStore } from '../lib/store';
import type { ErrorBody } from '../lib/types';
import { Button, copy, Head, Segments } from '../parts/basic';
import { CLASS, FormView, JsonView, readDraft, writeDraft, type Draft } from '../parts/config-form';
import { ask, ErrorLine } from '../parts/dialog';
import { useCrumbs } from '../parts/frame';
import { applyPatch, Makes, PreflightPanel, usePreflight } from '../parts/preflight';
import { say } from '../parts/toast';

const START: Draft = {
  name: '',
  config: { 'connector.class': CLASS, 'tasks.max': '1', 'database.hostname': 'localhost', 'database.port': '5432', 'database.user': 'postgres', 'plugin.name': 'pgoutput' }
};

const quoted = (text: string) => "'" + text.replace(/'/g, "'\\''") + "'";

export function CreateConnector() {
  useCrumbs([['Connectors', '/connectors'], ['Create']]);
  const { query: q } = useStore(route), by = q.get('by') === 'form' ? 'Form' : 'JSON';
  const [draft, setDraft] = useState<Draft>(START), [text, setText] = useState(() => (by === 'JSON' ? '' : writeDraft(START))), [fault, setFault] = useState<string | null>(null), [error, setError] = useState<ErrorBody | null>(null);
  const take = (next: Draft) => {
    setDraft(next);
    setText(writeDraft(next));
    setFault(null);
  };
  const onText = (typed: string) => {
    setText(typed);
    if (typed.trim() === '') {
      setFault(null);
      return;
    }
    const read = readDraft(typed);
    if (typeof read === 'string') setFault(read);
    else {
      setFault(null);
      setDraft(read);
    }
  };
  const untouched = by === 'JSON' && text.trim() === '', enough = !untouched && fault === null && Boolean(draft.config['database.dbname'] || draft.config['connector.class'] !== CLASS);
  const preflight = usePreflight(draft.name, enough ? draft.config : null), { data } = preflight;
  const why = untouched ? 'Paste a configuration; it is checked as you type, and nothing is changed by that.' : fault ? 'The JSON cannot be read yet.' : !enough ? 'Name a database; then host, login, slot, tables and types are checked.' : null;

  const create = async (stopped: boolean) => {
    await change('POST', '/connect/connectors', { name: draft.name, config: draft.config, ...(stopped ? { initial_state: 'STOPPED' } : {}) });
    say(stopped ? `${draft.name} is made, and stopped` : `${draft.name} is made and starts`);
    go('/connectors/' + encodeURIComponent(draft.name));
  };
  const press = (stopped: boolean) => async () => {
    setError(null);
    if (data && data.errors > 0 && !stopped) {
      ask({
        title: `Create ${draft.name} anyway?`,
        effect: <p>{data.text} The connector is made and fails until that is repaired; it tries again by itself.</p>,
        button: 'Create anyway',
        busy: 'Creating…',
        run: () => create(false),
        done: `${draft.name} is made`
      });
      return;
    }
    try {
      await create(stopped);
    } catch (e) {
      setError(asError(e));
    }
  };
  /* Not before the answer to what is there now. */
  const ready = enough && draft.name !== '' && preflight.current, unready = why ?? (draft.name === '' ? 'Give it a name first' : preflight.current ? '' : 'The preflight is not done yet');
  const command = `${curl('POST', '/connect/connectors')} -d ${quoted(JSON.stringify(draft))}`;
  return (
    <div class="page">
      <Head title="Create a connector" sub="From PostgreSQL to topics. Nothing is created until you press the button." />
      <div class="cols-form">
        <section class="panel pad">
          <div class="bar tight">
            <Segments
              label="Fill in by"
              items={['Form', 'JSON']}
              value={by}
              onPick={v => {
                if (v === 'JSON' && fault === null && !untouched) setText(writeDraft(draft));
                setQuery({ by: v === 'Form' ? 'form' : null });
              }}
            />
            <span class="sub optional">both show the same configuration</span>
          </div>
          {by === 'JSON' ? <JsonView text={text} onText={onText} fault={fault} /> : <FormView draft={draft} onDraft={take} preflight={data} />}
          {data && enough ? <Makes data={data} /> : null}
        </section>
        <PreflightPanel
          result={preflight}
          why={why}
          onFix={patch => take({ name: draft.name, config: applyPatch(draft.config, patch) })}
          foot={
            <>
              {error ? <ErrorLine error={error} /> : null}
              {enough && draft.name === '' ? <p class="hint is-crit">It has no name yet.</p> : null}
              <Button kind="primary" changes disabled={!ready} busy="Creating…" title={unready} onClick={press(false)}>
                {enough && data && data.errors > 0 ? 'Create anyway…' : 'Create and start'}
              </Button>
              <Button changes disabled={!ready} busy="Creating…" title={unready} onClick={press(true)}>
                Create stopped
              </Button>
              <Button kind="quiet" icon="copy" disabled={!enough} onClick={() => copy(command)}>
                Copy as curl
              </Button>
            </>
          }
        />
      </div>
    </div>
  );
}
