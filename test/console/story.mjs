/*
 * story.mjs PROGRAM: the console against the real program and a private PostgreSQL of its own: a connector is created by
 * pasting its JSON, rows appear, a decoded amount is read, a filter finds it, and it arrives while "Live" looks on.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { launch, openPage } from './browser.mjs';

const program = resolve(process.argv[2]), base = Number(process.env.PORTS ?? 29000), data = mkdtempSync(join(tmpdir(), 'tailrace-story-'));
const [kafka, rest, web, pg] = [1, 2, 3, 4].map(n => base + n), url = `http://127.0.0.1:${web}`;
const up = spawn(program, ['up', '--with-postgres', '--data-dir', join(data, 'data'), '--set', `postgres.port=${pg}`, '--set', `listeners=127.0.0.1:${kafka}`, '--set', `rest.port=${rest}`, '--set', `console.port=${web}`], { stdio: ['ignore', 'pipe', 'inherit'] });
await new Promise((ready, failed) => {
  let text = '';
  up.stdout.on('data', piece => (text += piece).includes('tailrace is ready') && ready());
  up.on('exit', code => failed(new Error(`the program ended with ${code}`)));
  setTimeout(() => failed(new Error('the program is not ready after 60 s')), 60_000).unref();
});
const sql = (database, text) => {
  const done = spawnSync('psql', ['-h', '127.0.0.1', '-p', String(pg), '-U', 'postgres', '-d', database, '-v', 'ON_ERROR_STOP=1', '-qc', text], { encoding: 'utf8', env: { ...process.env, PGPASSWORD: 'postgrespw' } });
  if (done.status !== 0) throw new Error(done.stderr);
};
const connector = { name: 'fraud-connector', config: { 'connector.class': 'io.debezium.connector.postgresql.PostgresConnector', 'database.hostname': '127.0.0.1', 'database.port': String(pg), 'database.user': 'postgres', 'database.password': 'postgrespw', 'database.dbname': 'mydb', 'topic.prefix': 'fraud', 'plugin.name': 'pgoutput', 'slot.name': 'fraudslot' } };
const topic = url + '/topics/fraud.public.transactions';
let passed = 0, failed = 0;
const browser = await launch(), { page, faults } = await openPage(browser);
const step = async (name, body) => {
  try {
    await body();
    passed++;
  } catch (error) {
    failed++;
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
  await step('the pasted connector passes its preflight and is created', async () => {
    await page.goto(url + '/connectors/new');
    await page.fill('[aria-label="Connector JSON"]', JSON.stringify(connector));
    await page.waitForSelector('.preflight .checks li');
    await page.click('text=Create and start');
    await page.waitForURL('**/connectors/fraud-connector');
    await page.waitForSelector('.status >> text=Running');
  });
  await step('its rows appear with every digit, and as text', async () => {
    await page.goto(topic);
    await page.waitForSelector('td >> text=9223372036854775807');
    await page.waitForSelector('td >> text=<script>50');
  });
  await step('a decoded amount is read in the drawer', async () => {
    await page.locator('tbody tr').first().click();
    await page.waitForSelector('.drawer .diff >> text=525.00');
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
  await step('nothing failed on the way', async () => {
    if (faults.length) throw new Error(faults.join('\n'));
  });
} finally {
  await browser.close();
  up.removeAllListeners('exit');
  const gone = new Promise(done => up.on('exit', done));
  up.kill('SIGTERM');
  await Promise.race([gone, new Promise(done => setTimeout(done, 15_000))]);
  rmSync(data, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
