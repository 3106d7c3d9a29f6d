/*
 * story.mjs PROGRAM: the tutorial walked in the console, against the real program and a private PostgreSQL of its own: a topic
 * and a connector are created (the latter by pasting its JSON), rows appear, a decoded amount is read, a filter finds it, a
 * group is reset, and an alert arrives, explains itself and is acknowledged: these by keyboard only. Then every page once more,
 * light and dark, wide and on a phone, and past axe. With CONSOLE_SHOTS=DIR it leaves pictures there. PORTS=N: it takes N+1 to N+4.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { launch, openPage, PHONE, tabbing, WIDE } from './browser.mjs';

const axe = createRequire(import.meta.url)('axe-core').source;
const program = resolve(process.argv[2]), base = Number(process.env.PORTS ?? 29000), data = mkdtempSync(join(tmpdir(), 'tailrace-story-')), shots = process.env.CONSOLE_SHOTS;
if (shots) mkdirSync(shots, { recursive: true });
const [kafka, rest, web, pg] = [1, 2, 3, 4].map(n => base + n), url = `http://127.0.0.1:${web}`;

/* What the alerts are sent to. */
const received = [];
const hook = createServer((request, response) => {
  let text = '';
  request.on('data', piece => (text += piece));
  request.on('end', () => (received.push(text), response.end('taken')));
});
await new Promise(done => hook.listen(0, '127.0.0.1', done));

const settings = { 'postgres.port': pg, listeners: `127.0.0.1:${kafka}`, 'rest.port': rest, 'console.port': web, 'agents.spending.rule': 'spending-pattern', 'agents.spending.topic': 'fraud.public.transactions', 'sinks.hook.kind': 'webhook', 'sinks.hook.topic': 'fraud.alerts', 'sinks.hook.url': `http://127.0.0.1:${hook.address().port}/` };
const start = async () => {
  const started = spawn(program, ['up', '--with-postgres', '--data-dir', join(data, 'data'), ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((ready, failed) => {
    let text = '';
    started.stdout.on('data', piece => (text += piece).includes('tailrace is ready') && ready());
    started.on('exit', code => failed(new Error(`the program ended with ${code}`)));
    setTimeout(() => failed(new Error('the program is not ready after 60 s')), 60_000).unref();
  });
  return started;
};
const stop = async () => {
  const gone = new Promise(done => up.on('exit', done));
  up.kill('SIGTERM');
  await Promise.race([gone, new Promise(done => setTimeout(done, 15_000))]);
};
let up = await start();
const sql = (database, text) => {
  const done = spawnSync('psql', ['-h', '127.0.0.1', '-p', String(pg), '-U', 'postgres', '-d', database, '-v', 'ON_ERROR_STOP=1', '-qc', text], { encoding: 'utf8', env: { ...process.env, PGPASSWORD: 'postgrespw' } });
  if (done.status !== 0) throw new Error(done.stderr);
};
/* Three small amounts and one that the agent tells. */
const spendMuch = user => sql('mydb', `INSERT INTO transactions(user_id, amount, merchant, big) VALUES (${user}, 20, 'Bakery', 1), (${user}, 30, 'Bakery', 2), (${user}, 25, 'Bakery', 3), (${user}, 3927.52, 'Jeweller', 4)`);
const tool = (name, ...args) => {
  const done = spawnSync(join(dirname(program), 'bin', name), ['--bootstrap-server', `127.0.0.1:${kafka}`, ...args], { encoding: 'utf8', timeout: 60_000 });
  if (done.status !== 0) throw new Error(done.stdout + done.stderr);
  return done.stdout;
};
const connector = { name: 'fraud-connector', config: { 'connector.class': 'io.debezium.connector.postgresql.PostgresConnector', 'database.hostname': '127.0.0.1', 'database.port': String(pg), 'database.user': 'postgres', 'database.password': 'postgrespw', 'database.dbname': 'mydb', 'topic.prefix': 'fraud', 'plugin.name': 'pgoutput', 'slot.name': 'fraudslot' } };
const topic = url + '/topics/fraud.public.transactions';
let passed = 0, failed = 0, alertPath = '/alerts';
const browser = await launch(), { page, faults } = await openPage(browser);
const tabTo = tabbing(page), press = async (...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};
const step = async (name, body) => {
  try {
    await body();
    passed++;
  } catch (error) {
    failed++;
    if (shots) await page.screenshot({ path: join(shots, `failed-${failed}.png`) }).catch(() => undefined);
    console.log(`not ok: ${name}\n    ${String(error).split('\n').slice(0, 3).join('\n    ')}`);
  }
};
try {
  sql('postgres', 'CREATE DATABASE mydb');
  sql('mydb', "CREATE TABLE transactions(id serial PRIMARY KEY, user_id int, amount numeric(10,2), merchant text, big bigint); INSERT INTO transactions(user_id, amount, merchant, big) SELECT g, g * 10.5, '<script>' || g, 9223372036854775807 FROM generate_series(1, 50) g");
  await step('a fresh program shows the three steps', async () => {
    await page.goto(url);
    await page.waitForSelector('text=Three steps to the first alert');
  });
  await step('the pasted connector passes its preflight and is created, by keyboard', async () => {
    await press('g', 'c');
    await page.waitForURL('**/connectors');
    await tabTo(/Create (a )?connector/);
    await press('Enter');
    await tabTo(/Connector JSON/);
    await page.keyboard.insertText(JSON.stringify(connector));
    await page.waitForSelector('.preflight .checks li');
    await tabTo(/Create and start/);
    await press('Enter');
    await page.waitForURL('**/connectors/fraud-connector');
    await page.waitForSelector('.status >> text=Running');
  });
  await step('its rows appear with every digit, and as text', async () => {
    await page.goto(topic);
    await page.waitForSelector('td >> text=9223372036854775807');
    await page.waitForSelector('td >> text=<script>50');
  });
  await step('a decoded amount is read in the drawer, by keyboard', async () => {
    await tabTo(/<script>50/);
    await press('Enter');
    await page.waitForSelector('.drawer .diff >> text=525.00');
    await press('Escape');
    await page.waitForSelector('.drawer', { state: 'detached' });
  });
  await step('live shows a row as it is inserted', async () => {
    await page.goto(topic + '?from=live');
    await page.waitForSelector('text=shown as they come');
    sql('mydb', "INSERT INTO transactions(user_id, amount, merchant, big) VALUES (7, 4178.74, 'Juwelier', 1)");
    await page.waitForSelector('td >> text=4,178.74');
  });
  await step('a filter finds it', async () => {
    await page.goto(topic + '?filter=amount+%3E+4000');
    await page.waitForSelector('td >> text=4,178.74');
    await page.waitForSelector('text=1 found');
  });
  await step('a topic is created in a dialog, by keyboard', async () => {
    await press('g', 't');
    await page.waitForURL('**/topics');
    await tabTo(/Create topic/);
    await press('Enter');
    await page.keyboard.type('payments');
    await tabTo(/Partitions/);
    await page.keyboard.type('3');
    await press('Enter');
    await page.waitForSelector('h1 >> text=payments');
  });
  await step('the first message shows up on a page that was opened before it', async () => {
    tool('kafka-topics', '--create', '--topic', 'quiet', '--partitions', '2');
    await page.goto(url + '/topics/quiet');
    await page.waitForSelector('text=No messages yet');
    tool('kafka-producer-perf-test', '--topic', 'quiet', '--num-records', '3', '--record-size', '20', '--throughput', '-1', '--producer-props', `bootstrap.servers=127.0.0.1:${kafka}`);
    await page.waitForSelector('td >> text=20 B');
  });
  await step('a message is produced and found by its key', async () => {
    await page.goto(url + '/topics/payments');
    await page.getByRole('button', { name: /^Produce/ }).click();
    await page.locator('.dialog').getByLabel(/^Key/).fill('k-1');
    await page.locator('.dialog').getByLabel(/^Value/).fill('{"n": 1}');
    await page.click('.dialog >> text=Produce >> nth=-1');
    await page.waitForSelector('td >> text=k-1');
  });
  await step('a group is reset to the beginning after its preview, by keyboard', async () => {
    tool('kafka-console-consumer', '--topic', 'fraud.public.transactions', '--group', 'readers', '--from-beginning', '--max-messages', '51');
    await press('g', 'g');
    await page.waitForURL('**/groups');
    await tabTo(/readers/);
    await press('Enter');
    await page.waitForURL('**/groups/readers');
    await page.waitForSelector('#reset');
    await tabTo(/^ The beginning/);
    await press('Enter');
    await page.waitForSelector('#reset >> text=/51 messages? (is|are) read again/');
    await tabTo(/Reset 1 partition/);
    await press('Enter');
    await page.waitForSelector('.dialog');
    await tabTo(/^ Reset$/);
    await press('Enter');
    await page.waitForSelector('text=offsets are reset');
    if (!/ 0 +51 +51 /.test(tool('kafka-consumer-groups', '--describe', '--group', 'readers'))) throw new Error('the group did not move');
  });
  await step('of two people who reset a group, the second is told', async () => {
    tool('kafka-console-consumer', '--topic', 'fraud.public.transactions', '--group', 'readers', '--max-messages', '51');
    const other = await openPage(browser), both = [page, other.page];
    for (const one of both) {
      await one.goto(url + '/groups/readers');
      await one.click('#reset >> text=The beginning');
      await one.waitForSelector('#reset >> text=51 messages are read again');
      await one.click('#reset >> text=/Reset 1 partition/');
      await one.waitForSelector('.dialog');
    }
    await page.click('.dialog >> text=Reset >> nth=-1');
    await page.waitForSelector('text=offsets are reset');
    await other.page.click('.dialog >> text=Reset >> nth=-1');
    await other.page.waitForSelector('.dialog >> text=positions have changed since the preview');
    await other.close();
  });
  await step('messages are reproduced in their order', async () => {
    await page.goto(url + '/topics');
    await page.click('text=Create topic');
    await page.getByLabel('Name', { exact: true }).fill('again');
    await page.click('.dialog >> text=Create >> nth=-1');
    await page.waitForSelector('h1 >> text=again');
    await page.goto(topic + '?filter=user_id+%3C%3D+3');
    await page.waitForSelector('text=3 found');
    await page.getByRole('button', { name: 'What was found' }).click();
    await page.click('.menu >> text=Reproduce 3 messages');
    await page.getByLabel('To topic').fill('again');
    await page.click('.dialog >> text=Review');
    await page.click('.dialog >> text=Write them');
    await page.waitForSelector('text=3 messages written to again');
    const ids = [...tool('kafka-console-consumer', '--topic', 'again', '--from-beginning', '--max-messages', '3').matchAll(/"after":\{"id":(\d+)/g)].map(found => found[1]).join();
    if (ids !== '1,2,3') throw new Error(`written as ${ids}`);
  });
  await step('what was found is exported', async () => {
    await page.goto(topic + '?filter=user_id+%3C%3D+3');
    await page.waitForSelector('text=3 found');
    await page.getByRole('button', { name: 'What was found' }).click();
    await page.click('.menu >> text=Export');
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('.dialog >> text=Export >> nth=-1')]), lines = readFileSync(await file.path(), 'utf8').trim().split('\n');
    if (lines.length !== 4 || !JSON.parse(lines[3]).complete) throw new Error(`${lines.length} lines`);
  });
  await step('a topic is cloned, and emptied', async () => {
    await page.goto(url + '/topics/again');
    await page.click('.page-actions [aria-label^="More"]');
    await page.click('.menu >> text=Clone');
    await page.click('.dialog >> text=Create >> nth=-1');
    await page.waitForSelector('h1 >> text=again.copy');
    await page.goto(url + '/topics/again');
    await page.waitForSelector('tbody tr');
    await page.click('.page-actions [aria-label^="More"]');
    await page.click('.menu >> text=Empty');
    await page.waitForSelector('.dialog >> text=3 messages are deleted');
    await page.fill('.dialog input', 'again');
    await page.click('.dialog .btn.danger');
    await page.waitForSelector('text=No messages yet');
  });
  await step('the page of a topic that is deleted elsewhere says so, and leads back', async () => {
    await page.goto(url + '/topics/again.copy');
    await page.waitForSelector('text=No messages yet');
    tool('kafka-topics', '--delete', '--topic', 'again.copy');
    await page.waitForSelector('h1 >> text=Topic again.copy does not exist');
    await page.click('text=Show the topics');
    await page.waitForSelector('h1 >> text=Topics');
  });
  await step('a setting is reviewed before it is changed, and says what it means', async () => {
    await page.goto(url + '/topics/again/configuration');
    const row = page.locator('tr', { has: page.locator('code', { hasText: /^retention\.ms$/ }) });
    await row.getByText('Time that messages are kept').waitFor();
    await row.getByText('Edit').click();
    await page.getByLabel('retention.ms', { exact: true }).fill('banana');
    await page.click('text=Review 1 change');
    await page.waitForSelector('.dialog .error-line >> text=banana');
    await page.keyboard.press('Escape');
    await page.getByLabel('retention.ms', { exact: true }).fill('3600000');
    await page.click('text=Review 1 change');
    await page.waitForSelector('.dialog >> text=1 h (3600000)');
    await page.click('.dialog >> text=Apply');
    await row.getByText('this topic').waitFor();
  });
  await step('a preflight finds a wrong password and a table without a key', async () => {
    await page.goto(url + '/connectors/new?by=form');
    for (const [key, value] of Object.entries({ 'database.hostname': '127.0.0.1', 'database.port': String(pg), 'database.password': 'wrong', 'database.dbname': 'mydb', 'topic.prefix': 'second', 'slot.name': 'secondslot' })) await page.fill(`[data-key="${key}"]`, value);
    await page.getByLabel('Connector', { exact: true }).fill('second');
    await page.waitForSelector('.checks .is-crit >> text=password authentication failed');
    sql('mydb', 'CREATE TABLE keyless(line text)');
    await page.fill('[data-key="database.password"]', 'postgrespw');
    await page.waitForSelector('.checks .is-warn >> text=public.keyless');
  });
  await step('a connector is made, stopped, and deleted with its slot', async () => {
    await page.click('text=Create and start');
    await page.waitForURL('**/connectors/second');
    await page.waitForSelector('.status >> text=Running');
    await page.click('.page-actions >> text=Stop');
    await page.click('.dialog >> text=Stop it');
    await page.waitForSelector('.status >> text=Stopped');
    await page.goto(url + '/connectors/second/offsets');
    await page.click('.panel >> text=Edit');
    await page.fill('textarea', '{');
    await page.waitForSelector('text=Not valid JSON');
    await page.click('text=Forget it');
    await page.click('.page-actions >> text=Resume');
    await page.waitForSelector('.status >> text=Running');
    await page.click('.page-actions [aria-label^="More"]');
    await page.click('.menu >> text=Delete');
    await page.click('.dialog >> text=Drop it.');
    await page.fill('.dialog input[type=text]', 'second');
    await page.click('.dialog .btn.danger');
    await page.waitForURL('**/connectors');
    sql('mydb', "DO $$BEGIN IF EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_name = 'secondslot') THEN RAISE 'the slot is there'; END IF; END$$");
  });
  await step('an alert arrives while the inbox is open, is opened by keyboard, and explains itself', async () => {
    await press('g', 'a');
    await page.waitForURL('**/alerts');
    spendMuch(900);
    await page.waitForSelector('.alert-item >> text=/900/');
    await tabTo(/900/);
    await press('Enter');
    await page.waitForURL('**/alerts/**');
    alertPath = new URL(page.url()).pathname;
    await page.waitForSelector('text=Why it fired');
    await page.waitForSelector('text=From commit to alert');
    for (const text of ['3,927.52', 'Jeweller', '500']) await page.waitForSelector(`.alert >> text=${text} >> nth=0`);
  });
  await step('it was delivered once', async () => {
    await page.waitForSelector('text=hook webhook');
    const about = received.filter(text => text.includes('3927.52'));
    if (about.length !== 1) throw new Error(`${about.length} deliveries`);
  });
  await step('a key acknowledges it, and it stays so', async () => {
    await page.keyboard.press('a');
    await page.waitForSelector('.alert >> text=Open again');
    await page.reload();
    await page.waitForSelector('.alert >> text=Acknowledged >> nth=0');
  });
  await step('a row is traced from its commit to the alert', async () => {
    await page.goto(url + '/trace');
    await page.fill('[data-filter]', 'fraud.public.transactions:0:54');
    await page.keyboard.press('Enter');
    for (const text of ['committed', 'received', 'durable', 'published', 'by agent spending', 'alerted', 'by sink hook']) await page.waitForSelector(`.fall >> text=${text} >> nth=0`);
    await page.click('text=/^alert A-/');
    await page.waitForURL('**/alerts/A-*');
    const id = page.url().split('/').pop();
    await page.goto(url + '/trace');
    await page.fill('[data-filter]', id);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.fall >> text=delivered');
  });
  /* The page's next stream waits until the function that this gives is called. */
  const streamHeld = async () => {
    let begin;
    const held = new Promise(resolve => (begin = resolve));
    await page.route('**/stream*', async route => {
      await held;
      await route.continue();
    });
    return begin;
  };
  await step('an alert that came after the list and before the stream is shown, too', async () => {
    const begin = await streamHeld();
    await page.goto(url + '/alerts');
    await page.waitForSelector('.alert-item >> text=/900/');
    spendMuch(901);
    while (!(await (await fetch(url + '/api/v1/alerts')).text()).includes('User 901')) await new Promise(later => setTimeout(later, 50));
    begin();
    await page.waitForSelector('.alert-item >> text=/901/');
    await page.unroute('**/stream*');
  });
  await step('an alert told while the list is asked for again is not forgotten', async () => {
    let answer;
    const held = new Promise(resolve => (answer = resolve));
    spendMuch(902);
    await page.waitForSelector('.new-line >> text=1 new');
    await page.route('**/api/v1/alerts?*', async route => {
      const response = await route.fetch();
      await held;
      await route.fulfill({ response });
    });
    const asked = page.waitForRequest('**/api/v1/alerts?*');
    await page.click('.new-line');
    await asked;
    await page.waitForSelector('.new-line', { state: 'detached' });
    spendMuch(903);
    await page.waitForSelector('.new-line >> text=1 new');
    answer();
    await page.waitForSelector('.alert-item >> text=/902/');
    assert.equal(await page.locator('.new-line').textContent(), '1 new');
    await page.unroute('**/api/v1/alerts?*');
    await page.click('.new-line');
    await page.waitForSelector('.alert-item >> text=/903/');
  });
  await step('so is what happened between answer and stream, and what changes a list', async () => {
    const change = async (method, path, body) => assert.ok((await fetch(url + '/api/v1' + path, { method, headers: { 'X-Tailrace': 'console', 'Content-Type': 'application/json' }, body: JSON.stringify(body) })).ok, method + path);
    let begin = await streamHeld();
    await page.goto(url + '/');
    await page.waitForSelector('.events li');
    await change('POST', '/topics', { name: 'between', partitions: 1 });
    begin();
    await page.waitForSelector('.events >> text=/between/');
    await change('DELETE', '/topics/between', { confirm: 'between' });
    await page.waitForSelector('.events >> text=/between with .* was deleted/');
    assert.equal(await page.locator('.events li', { hasText: 'between' }).count(), 2); /* none twice */
    await page.unroute('**/stream*');
    begin = await streamHeld();
    await page.goto(url + '/topics');
    await page.waitForSelector('text=fraud.public.transactions');
    await change('POST', '/topics', { name: 'between', partitions: 1 });
    begin();
    await page.waitForSelector('.page >> text=between');
    await page.click('nav >> text=Connectors'); /* another list on the same stream */
    await page.waitForSelector('text=fraud-connector');
    await page.click('nav >> text=Topics');
    await page.waitForSelector('.page >> text=between');
    await change('DELETE', '/topics/between', { confirm: 'between' });
    await page.waitForSelector('.page >> text=between', { state: 'detached' });
    await page.unroute('**/stream*');
  });
  await step('a row that has not come says where it waits, and what to do', async () => {
    await page.goto(url + '/trace?table=fraud.public.nowhere&key=1');
    await page.waitForSelector('text=It is not in the log');
    await page.waitForSelector('text=/has no table/');
    await page.waitForSelector('text=Check the name: schema.table, as PostgreSQL writes it.');
  });
  const walk = [['overview', '/', 'text=fraud-connector >> nth=0'], ['topics', '/topics', 'text=payments'], ['messages', '/topics/fraud.public.transactions', 'text=Jeweller'], ['groups', '/groups', 'text=readers'], ['group', '/groups/readers', 'text=Partitions >> nth=0'],
    ['connectors', '/connectors', 'text=fraud-connector >> nth=0'], ['connector', '/connectors/fraud-connector', 'text=Running >> nth=0'], ['agents', '/agents', 'text=spending >> nth=0'], ['agent', '/agents/spending', 'text=spending-pattern >> nth=0'], ['alerts', '/alerts?state=all', 'text=/900/ >> nth=0'], ['alert', alertPath, 'text=Why it fired'],
    ['trace', '/trace?topic=fraud.public.transactions&p=0&o=54', 'text=/committed/i >> nth=0'], ['reports', '/reports', 'h1'], ['health', '/health', 'text=Listeners'], ['settings', '/settings', 'text=console.port >> nth=0']];
  for (const [look, options] of [['wide-light', { size: WIDE }], ['wide-dark', { size: WIDE, dark: true }], ['phone-light', { size: PHONE }], ['phone-dark', { size: PHONE, dark: true }]]) {
    const shown = await openPage(browser, options);
    for (const [name, path, ready] of walk)
      await step(`${name} is whole, ${look}`, async () => {
        await shown.page.goto(url + path);
        await shown.page.waitForSelector(ready, { state: 'attached' });
        if (shots) await shown.page.screenshot({ path: join(shots, `${name}-${look}.png`) });
        const over = await shown.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (over > 0) throw new Error(`${over} px wider than the screen`);
        await shown.page.evaluate(axe);
        const found = await shown.page.evaluate(() => axe.run(document, { resultTypes: ['violations'], rules: { region: { enabled: false } } }));
        const serious = found.violations.filter(v => v.impact === 'serious' || v.impact === 'critical').map(v => `${v.id}: ${v.nodes[0].target.join(' ')}`);
        if (serious.length) throw new Error(serious.join('; '));
      });
    faults.push(...shown.faults);
    await shown.close();
  }
  await step('the page waits while the program restarts, and goes on by itself', async () => {
    const tail = await openPage(browser), lines = await openPage(browser);
    await page.goto(url + '/topics');
    await page.waitForSelector('tbody tr');
    await tail.page.goto(topic + '?from=live');
    await tail.page.waitForSelector('text=shown as they come');
    await lines.page.goto(url + '/health');
    await lines.page.waitForSelector('.log-line');
    await stop();
    for (const one of [page, tail.page, lines.page]) await one.waitForSelector('text=No connection to Tailrace', { timeout: 40_000 });
    if (await page.locator('text=Create topic').isEnabled()) throw new Error('changes are possible without a connection');
    up = await start();
    await page.waitForSelector('.live >> text=Live', { timeout: 40_000 });
    await page.waitForSelector('text=No connection to Tailrace', { state: 'detached' });
    await page.waitForSelector('tbody >> text=payments');
    /* What was followed is followed again, and no error of meanwhile stays. */
    for (const one of [tail.page, lines.page]) {
      await one.waitForSelector('.live >> text=Live', { timeout: 40_000 });
      await one.waitForSelector('main .problem.is-crit', { state: 'detached' });
    }
    await tail.page.waitForSelector('.scan >> text=Stop');
    sql('mydb', "INSERT INTO transactions(user_id, amount, merchant, big) VALUES (7, 12.34, 'Afterwards', 1)");
    await tail.page.waitForSelector('td >> text=Afterwards');
    await lines.page.waitForSelector('.log-line');
    await tail.close();
    await lines.close();
    faults.length = 0; /* every try failed meanwhile, and the browser notes each */
  });
  await step('nothing failed on the way', async () => {
    if (faults.length) throw new Error(faults.join('\n'));
  });
} finally {
  await browser.close();
  await stop();
  hook.close();
  rmSync(data, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
