/* states.tsx: every state that a page or panel can be in, once; only in the demo build. */
import { Button, Head, Panel, Stat, Stats } from '../parts/basic';
import { Code } from '../parts/code';
import { ask } from '../parts/dialog';
import { useCrumbs } from '../parts/frame';
import { Bones, Empty, Failure } from '../parts/states';
import { Mark } from '../parts/status';

const ERROR = { code: 'CORRUPT', what: 'Partition 2 cannot be read past offset 32,088,104', why: 'Batch 7 of 00000000000032088000.log at byte 4,096 does not match its checksum. The partition is read-only; the other partitions work.', todo: 'check the disk, then run tailrace doctor --topic fraud-detection.public.transactions to see which rows are affected.', field: null, actions: [], request: null };

export function States() {
  useCrumbs([['States']]);
  const done = () => Promise.resolve();
  return (
    <div class="page">
      <Head title="The states of a page" sub="Every page and panel has these, with these words in this order: what, why, what to do." />
      <div class="strip is-warn">
        <Mark state="warn" />
        <p>
          <b>No connection to Tailrace for 18 s.</b> What you see is from 14:31:07. Next try in 5 s.
        </p>
        <Button kind="small">Try now</Button>
      </div>
      <div class="strip is-info">
        <Mark state="info" />
        <p>
          <b>Read only.</b> You may look at everything and change nothing; console.access in the settings says so.
        </p>
      </div>
      <div class="cols-2 even">
        <Panel title="Loading" extra="shown only after 150 ms">
          <Bones />
        </Panel>
        <Panel title="Disconnected: the last values stay, faded, with their time">
          <div class="is-down stale">
            <Stats>
              <Stat name="Behind" value="2.4 ms" note="14:31:07" />
              <Stat name="Reads" value="18,412 /s" note="14:31:07" />
            </Stats>
          </div>
        </Panel>
        <Panel title="Empty">
          <Empty icon="topics" title="No topics yet" small actions={<><Button kind="primary">Create a connector</Button><Button>Create a topic</Button></>}>
            A topic appears when a connector captures its first row, or when a client produces to it.
          </Empty>
        </Panel>
        <Panel title="Nothing found">
          <Empty icon="search" title="Nothing in the newest 1,204,331 messages" small actions={<><Button kind="primary">Search on</Button><Button>Clear the filter</Button></>}>
            The filter amount &gt; 90000 matched none of them. That is 0.9 % of the topic; the search stopped after 10 s.
          </Empty>
        </Panel>
        <Panel title="Error">
          <div class="pad16">
            <Failure error={ERROR} again={done} />
          </div>
        </Panel>
        <Panel title="Very large message">
          <div class="pad16">
            <p class="sub">
              <b>1.0 MiB.</b> The first 64 KiB are shown; nothing is parsed beyond them.
            </p>
            <Code text={'{"payload":{"before":null,"after":{"id":9223372036854775807,"name":"report.pdf","body":"JVBERi0xLjcKJeLjz9MKMSAwIG9iago8PC9U'} json label="Value" />
            <div class="row">
              <Button kind="small">Show 64 KiB more</Button>
              <Button kind="small">Download</Button>
            </div>
          </div>
        </Panel>
        <Panel title="Confirm: can be undone">
          <div class="pad16">
            <Button onClick={() => ask({ title: 'Stop fraud-detection-connector?', effect: <p>Capture stops; slot fraudslot stays and holds WAL, 6.0 GiB an hour at the present rate. Resume continues where it stopped.</p>, command: 'tailrace connectors stop fraud-detection-connector', button: 'Stop it', busy: 'Stopping…', run: done, done: 'It is stopped' })}>Ask</Button>
          </div>
        </Panel>
        <Panel title="Confirm: cannot be undone">
          <div class="pad16">
            <Button onClick={() => ask({ title: 'Delete topic activity.streaming?', effect: <p>8,204,113 messages (1.9 GiB) are gone for good; group customers-service still reads it.</p>, command: 'kafka-topics --bootstrap-server localhost:9092 --delete --topic activity.streaming', name: 'activity.streaming', button: 'Delete', busy: 'Deleting…', run: done, done: 'It is deleted' })}>Type the name</Button>
          </div>
        </Panel>
      </div>
    </div>
  );
}
