/*
 * story-results.mjs PROGRAM: what the change stream is for, walked in the console against the real program and a private PostgreSQL of
 * its own: agents are made, tried on history, switched, paused, broken and mended; alerts are answered by keyboard alone; a report is
 * made, run and fails; a row that waits is traced; settings, changes and the support bundle; then a second program that asks for a token.
 * With CONSOLE_SHOTS=DIR it leaves pictures there. PORTS=N: it takes N+11 to N+18.
 */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { launch, openPage, PHONE, tabbing, WIDE } from './browser.mjs';

const axe = createRequire(import.meta.url)('axe-core').source;
const program = resolve(process.argv[2]), base = Number(process.env.PORTS ?? 29000) + 10, data = mkdtempSync(join(tmpdir(), 'tailrace-results-')), shots = process.env.CONSOLE_SHOTS;
if (shots) mkdirSync(shots, { recursive: true });
const [kafka, rest, web, pg] = [1, 2, 3, 4].map(n => base + n), url = `http://127.0.0.1:${web}`;
const SECRETS = ['postgrespw', 'hook-secret-7', 'never-shown-9'];

let answer = 500; /* what the receiver of alerts says */
const received = [];
const hook = createServer((request, response) => {
  let text = '';
  request.on('data', piece => (text += piece));
  request.on('end', () => {
    received.push(text);
    response.statusCode = answer;
    response.end(answer === 200 ? 'taken' : 'not today');
  });
});
await new Promise(done => hook.listen(0, '127.0.0.1', done));

const start = async (name, settings, more = []) => {
  const process_ = spawn(program, ['up', ...more, '--data-dir', join(data, name), ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  await new Promise((ready, failed) => {
    process_.stdout.on('data', piece => (text += piece).includes('tailrace is ready') && ready());
    process_.on('exit', code => failed(new Error(`the program ended with ${code}: ${text}`)));
    setTimeout(() => failed(new Error(`the program is not ready after 120 s: ${text}`)), 120_000).unref();
  });
  return {
    said: () => text,
    stop: async () => {
      process_.removeAllListeners('exit');
      const gone = new Promise(done => process_.on('exit', done));
      process_.kill('SIGTERM');
      await Promise.race([gone, new Promise(done => setTimeout(done, 15_000))]);
    }
  };
};
const model = join(data, 'model.json'), examples = resolve(dirname(program), '../doc/examples/models');
copyFileSync(join(examples, 'fraud-model.json'), model);
const up = await start('main', { 'postgres.port': pg, listeners: `127.0.0.1:${kafka}`, 'rest.port': rest, 'console.port': web, 'console.mask': 'public.transactions.card', 'agents.scored.rule': 'model', 'agents.scored.topic': 'fraud.public.transactions', 'agents.scored.rule.model': model, 'agents.scored.dry.run': 'true', 'sinks.hook.kind': 'webhook', 'sinks.hook.topic': 'fraud.alerts', 'sinks.hook.secret': SECRETS[1], 'sinks.hook.url': `http://127.0.0.1:${hook.address().port}/?token=${SECRETS[2]}`, 'sinks.hook.timeout.ms': '2000' }, ['--with-postgres']);
const sql = (database, text) => {
  const done = spawnSync('psql', ['-h', '127.0.0.1', '-p', String(pg), '-U', 'postgres', '-d', database, '-v', 'ON_ERROR_STOP=1', '-qAtc', text], { encoding: 'utf8', env: { ...process.env, PGPASSWORD: 'postgrespw' } });
  if (done.status !== 0) throw new Error(done.stderr);
  return done.stdout.trim();
};
const api = async (method, path, body, headers = {}) => {
  const response = await fetch(path.startsWith('http') ? path : url + '/api/v1' + path, { method, headers: { ...(method === 'GET' ? {} : { 'Content-Type': 'application/json', 'X-Tailrace': '1' }), ...headers }, ...(body ? { body: JSON.stringify(body) } : {}) });
  return { status: response.status, text: await response.text() };
};
const TOPIC = 'fraud.public.transactions';
const insert = (user, amount, more = '') => sql('mydb', `INSERT INTO transactions(user_id, amount, merchant, card) SELECT ${user}, ${amount}, 'Shop', '4111111111111111' ${more}`);
let passed = 0, failed = 0;
const browser = await launch(), { page, faults } = await openPage(browser);
page.setDefaultTimeout(20_000);
const shot = (name, of = page) => (shots ? of.screenshot({ path: join(shots, `results-${name}.png`) }) : undefined);
const step = async (name, body, of = page) => {
  const began = Date.now();
  try {
    await body();
    passed++;
    if (process.env.STORY_TIMES) console.log(`ok: ${name} (${Date.now() - began} ms)`);
  } catch (error) {
    failed++;
    await shot(`failed-${failed}`, of)?.catch(() => undefined);
    console.log(`not ok: ${name}\n    ${String(error).split('\n').slice(0, 4).join('\n    ')}`);
  }
};
const see = (text, of = page) => of.waitForSelector(`text=${text} >> nth=0`);
const dialog = text => page.click(`.dialog >> text=${text}`);
const tabTo = tabbing(page);

try {
  sql('postgres', 'CREATE DATABASE mydb');
  sql('mydb', "CREATE TABLE transactions(id serial PRIMARY KEY, user_id int, amount numeric(10,2), merchant text, card text); CREATE TABLE readings(id serial, temperature numeric, recorded_at timestamptz DEFAULT now()); INSERT INTO readings(temperature) VALUES (21.5), (22.5)");
  insert('1 + g % 9', '10 + g % 7', 'FROM generate_series(1, 400) g');
  const connector = { 'connector.class': 'io.debezium.connector.postgresql.PostgresConnector', 'database.hostname': '127.0.0.1', 'database.port': String(pg), 'database.user': 'postgres', 'database.password': SECRETS[0], 'database.dbname': 'mydb', 'topic.prefix': 'fraud', 'plugin.name': 'pgoutput', 'slot.name': 'fraudslot', 'table.include.list': 'public.transactions' };
  const made = await api('POST', '/connect/connectors', { name: 'fraud', config: connector });
  if (made.status !== 201) throw new Error(made.text);
  const until = Date.now() + 60_000;
  while (JSON.parse((await api('GET', '/topics')).text).items.find(t => t.name === TOPIC)?.messages !== 400) {
    if (Date.now() > until) throw new Error('the snapshot did not come');
    await new Promise(r => setTimeout(r, 50));
  }

  /* ---- Agents ---- */
  await step('an agent is made from a rule, after a trial on history', async () => {
    await page.goto(url + '/agents');
    await page.click('text=New agent…');
    await page.getByLabel(/^Name/).fill('spend');
    await page.getByLabel(/^Rule/).selectOption('spending-pattern');
    await page.getByLabel(/^topic/).selectOption(TOPIC);
    await dialog('/^Test$/');
    await see('/It would have raised 0 alerts/');
    await dialog('/^Create$/');
    await page.waitForURL('**/agents/spend');
    await page.waitForSelector('.status >> text=Running');
    await see('rule v1');
    await see('/times the mean/');
    await shot('agent');
  });
  await step('a script with a mistake is refused with its line, which is marked', async () => {
    await page.goto(url + '/agents');
    await page.click('text=New agent…');
    await page.getByLabel(/^Name/).fill('mine');
    await page.getByLabel(/^Rule/).selectOption('lua');
    await page.getByLabel(/^topic/).selectOption(TOPIC);
    await page.getByLabel(/^code/).fill('function on_event(event, key)\n  local n = (1\n  alert{title = "x"}\nend\n');
    await dialog('/^Create$/');
    await page.waitForSelector('.error-line >> text=code:3:');
    const marked = await page.evaluate(() => document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd));
    if (marked !== '  alert{title = "x"}') throw new Error(`marked: ${marked}`);
    await shot('script-error');
    await page.getByLabel(/^code/).fill('function on_event(event, key)\n  if decimal(event.row.amount) > decimal(900) then local gone = event.row.colour end\nend\n');
    await dialog('/^Create$/');
    await page.waitForURL('**/agents/mine');
    await page.waitForSelector('.status >> text=Running');
  });
  await step('a row that breaks a script stops that agent only, and says where', async () => {
    insert(77, '950.00');
    await page.waitForSelector('.status >> text=Failed');
    await see('/code:2: there is no column "colour"; the rows have: id, user_id/');
    await shot('agent-failed');
    const agents = JSON.parse((await api('GET', '/agents')).text).items;
    if (agents.find(a => a.agent === 'spend').word !== 'Running') throw new Error('the other agent stopped too');
  });
  await step('it is mended by a new version, which is switched to after a trial', async () => {
    await page.click('text=Edit as a new version…');
    await page.getByLabel(/^code/).fill('function on_event(event, key)\n  local amount = decimal(event.row.amount)\n  if amount > decimal(900) then alert{title = "User " .. event.row.user_id .. " paid " .. tostring(amount), subject = "User " .. event.row.user_id, number = amount, conditions = {{"Amount", amount, "> 900", 0, true}}} end\nend\n');
    if (await page.isEnabled('.dialog >> text=Switch…')) throw new Error('it may be switched without a trial');
    await dialog('/^Test$/');
    await page.waitForSelector('.dialog .sinks >> text=User 77 paid 950.00');
    await page.waitForSelector('.dialog >> text=/The present one stops on these rows: .*colour/');
    await dialog('Switch…');
    await see('/no longer, 1 new/');
    await dialog('/^Switch$/');
    await page.waitForSelector('.status >> text=Running');
    await see('rule v2');
  });
  await step('a version runs dry beside, and is deleted by its name', async () => {
    await page.goto(url + '/agents/spend');
    await page.click('text=Edit as a new version…');
    await page.getByLabel(/^factor/).fill('2');
    await dialog('Dry run beside');
    await see('runs dry beside the old one');
    await page.goto(url + '/agents/spend-dry');
    await see('/dry run: its alerts are counted/');
    await page.click('[title^="More: delete"]');
    await page.click('[role=menuitem] >> text=Delete…');
    await see('It stops. Its alerts');
    await page.locator('.dialog input').fill('spend-dry');
    await dialog('/^Delete$/');
    await page.waitForURL('**/agents');
    await page.waitForSelector('tbody >> text=spend-dry', { state: 'detached' });
  });
  await step('an agent pauses and goes on', async () => {
    await page.goto(url + '/agents/mine');
    await page.click('text=/^Pause$/');
    await page.waitForSelector('.status >> text=Paused');
    await page.click('text=/^Resume$/');
    await page.waitForSelector('.status >> text=Running');
  });
  await step('a model that is swapped shows its version', async () => {
    await page.goto(url + '/agents/scored');
    const before = await page.textContent('text=/model [0-9a-f]{12}/');
    copyFileSync(join(examples, 'fraud-model.json'), model + '.next');
    const text = (await import('node:fs')).readFileSync(model + '.next', 'utf8');
    (await import('node:fs')).writeFileSync(model + '.next', text + '\n');
    renameSync(model + '.next', model);
    insert(3, '11');
    await page.waitForFunction(old => /model [0-9a-f]{12}/.test(document.body.textContent) && !document.body.textContent.includes(old), before.match(/model [0-9a-f]{12}/)[0]);
  });

  /* ---- Alerts, by keyboard only ---- */
  await step('an alert is found, read and answered by keyboard only', async () => {
    insert(500, '20', 'FROM generate_series(1, 4)');
    insert(500, '3000.00');
    await page.goto(url);
    await see('Slots');
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.waitForURL('**/alerts');
    await see('/User 500/');
    await page.keyboard.press('/');
    await page.keyboard.type('spent 3000');
    await page.waitForURL('**q=spent*');
    await page.waitForFunction(() => document.querySelector('.alert-item .who small')?.textContent === 'spend' && document.querySelectorAll('.alert-item').length === 1);
    await page.keyboard.press('Escape');
    await tabTo(/User 500\s*spend/); /* both agents told of the row */
    await page.keyboard.press('Enter');
    await page.waitForURL('**/alerts/A-*');
    await see('Why it fired');
    await page.keyboard.press('a');
    await page.waitForSelector('.alert >> text=Open again');
    await tabTo(/Evaluate again/);
    await page.keyboard.press('Enter');
    await see('The same verdict');
    await tabTo(/More: note/, 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=menuitem]:focus');
    await page.keyboard.press('Enter');
    await see('Note');
    await page.keyboard.type('a test card');
    await tabTo(/^ ?Save/);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.dialog', { state: 'detached' });
    await see('/a test card/');
    await page.waitForSelector('.alert .status >> text=Resolved');
    if (!/More: note/.test(await page.evaluate(() => document.activeElement.title))) throw new Error('the focus did not return');
    await shot('alert');
  });
  await step('its sink is down, which is shown; then it is up, and all of it arrives', async () => {
    await page.waitForSelector('.sinks >> text=/hook webhook: /');
    await page.waitForSelector('.sinks >> text=500');
    await shot('sink-down');
    answer = 200;
    const until = Date.now() + 60_000;
    while (!received.some(t => t.includes('3000.00')) && Date.now() < until) await new Promise(r => setTimeout(r, 100));
    await page.waitForFunction(() => /hook webhook\s*200/.test(document.querySelector('.alert')?.textContent ?? ''), null, { timeout: 60_000 });
    const before = received.length;
    await page.click('text=Send again');
    await see('Sent again to hook');
    if (received.length <= before) throw new Error('nothing was sent again');
  });
  await step('a false positive, taken back', async () => {
    await page.keyboard.press('f');
    await page.waitForSelector('.alert .status >> text=False positive');
    await page.click('.toast >> text=Undo >> nth=-1'); /* an earlier one may still be shown */
    await page.waitForSelector('.alert .status >> text=Resolved');
  });
  await step('a key is muted and no longer, and its alerts are still stored', async () => {
    await page.click('[title^="More: note"]');
    await page.click('[role=menuitem] >> text=Mute User 500 for 1 h');
    await see('1 muted');
    const before = received.length;
    insert(500, '4100.00');
    await page.goto(url + '/alerts?q=User+500');
    await page.waitForSelector('.alert-item >> text=muted');
    if (received.slice(before).some(t => t.includes('4100.00') && t.includes('"spend"'))) throw new Error('a muted alert was sent');
    await page.click('text=1 muted');
    await page.click('text=/^End$/');
    await page.waitForSelector('text=1 muted', { state: 'detached' });
  });
  await step('filters of the inbox are in its address', async () => {
    await page.goto(url + '/alerts');
    await page.selectOption('[aria-label=Agent]', 'mine');
    await page.waitForURL('**agent=mine*');
    await see('/User 77/');
    if (await page.locator('.alert-item >> text=spend').count()) throw new Error('alerts of another agent');
    await page.fill('[aria-label="Subject or text contains"]', 'nobody');
    await see('No alert is like that');
    await page.click('text=Clear the filter');
    await see('/User 500/');
  });

  /* ---- Reports ---- */
  await step('a report is made after a preview, and runs', async () => {
    await page.goto(url + '/reports');
    await page.click('text=New report… >> nth=0');
    await page.getByLabel(/^Name/).fill('office');
    await page.getByLabel(/^conninfo/).fill(`host=127.0.0.1 port=${pg} dbname=mydb user=postgres password=${SECRETS[0]}`);
    await page.getByLabel(/^table/).fill('readings');
    await page.getByLabel(/^column/).fill('temperature');
    await page.getByLabel(/^window/).fill('2s');
    await page.getByLabel(/^window/).fill('1h');
    await page.getByLabel(/^every/).fill('1s');
    await page.getByLabel(/^unit/).fill('°C');
    await dialog('Run as preview');
    await see('/It ran in .* 22/');
    await shot('report-preview');
    await dialog('/^Create$/');
    await page.waitForURL('**/reports/office');
    await page.click('text=Run now');
    await page.waitForSelector('td >> text=22');
    await page.waitForSelector('.plot canvas');
    await shot('report');
    if ((await page.textContent('body')).includes(SECRETS[0])) throw new Error('the password is on the page');
  });
  await step('a run that fails is said, and what was found before stays', async () => {
    sql('mydb', 'ALTER TABLE readings RENAME TO elsewhere');
    await see('The last run failed');
    await see('/readings.* does not exist/');
    await page.waitForSelector('td >> text=22');
    await shot('report-failed');
    sql('mydb', 'ALTER TABLE elsewhere RENAME TO readings');
    await page.waitForSelector('text=The last run failed', { state: 'detached' });
    await page.click('text=/^Pause$/');
    await page.waitForSelector('.status >> text=Paused');
  });

  /* ---- Trace ---- */
  await step('a row is traced by key, position, transaction, place and alert', async () => {
    const id = sql('mydb', "INSERT INTO transactions(user_id, amount, merchant) VALUES (501, 12, 'Shop') RETURNING id || ' ' || pg_current_xact_id()").split(' ');
    for (const [ask, table] of [[id[0], TOPIC], [`xid ${id[1]}`, '']]) {
      await page.goto(url + '/trace');
      if (table) await page.selectOption('[aria-label=Table]', table);
      await page.fill('[data-filter]', ask);
      await page.click('text=/^Trace$/ >> nth=-1');
      for (const text of ['committed', 'received', 'durable', 'published', 'by agent spend']) await page.waitForSelector(`.fall >> text=${text} >> nth=0`);
    }
    const lsn = (await page.textContent('.foot >> text=/^LSN/')).replace('LSN', '').trim();
    await page.fill('[data-filter]', lsn);
    await page.keyboard.press('Enter');
    await page.waitForURL('**lsn=*');
    await page.waitForSelector('.fall >> text=committed >> nth=0');
    await shot('trace');
  });
  await step('one that has not come says where it waits now', async () => {
    await api('PUT', '/connect/connectors/fraud/pause');
    await page.goto(url + '/connectors/fraud');
    await page.waitForSelector('.status >> text=Paused');
    const id = sql('mydb', "INSERT INTO transactions(user_id, amount, merchant) VALUES (502, 13, 'Shop') RETURNING id");
    await page.goto(`${url}/trace?table=${TOPIC}&key=${id}`);
    await see('It is not in the log');
    await see('Where it waits');
    await see('/[Pp]aused/');
    await shot('trace-waits');
    await api('PUT', '/connect/connectors/fraud/resume');
  });

  /* ---- Settings, changes, bundle ---- */
  await step("a service's log level is changed, and the change is written down", async () => {
    await page.goto(url + '/settings?q=logger.level.web');
    await page.click('tr:has-text("logger.level.web") >> text=Edit');
    await page.locator('.dialog input').fill('debug');
    await dialog('Review');
    await page.waitForSelector('.dialog >> text=→');
    await dialog('/^Apply$/');
    await page.waitForSelector('tr:has-text("logger.level.web") >> text=debug');
    await page.goto(url + '/health');
    await page.click('text=Changes by people');
    for (const text of ['logger.level.web', 'spend-dry', 'was paused', 'office']) await page.waitForSelector(`#events >> text=${text} >> nth=0`);
    await shot('changes');
  });
  await step('a masked column is hidden', async () => {
    await page.goto(url + '/topics/' + TOPIC);
    await page.waitForSelector('tbody tr');
    if ((await page.textContent('main')).includes('4111111111111111')) throw new Error('the card number is shown');
  });
  await step('the support bundle lists what it holds, and holds no secret', async () => {
    await page.goto(url + '/health');
    await page.click('text=Support bundle…');
    await page.waitForSelector('.dialog >> text=settings');
    await shot('bundle');
    await page.keyboard.press('Escape');
    const bytes = Buffer.from(await (await fetch(url + '/api/v1/bundle')).arrayBuffer());
    (await import('node:fs')).writeFileSync(join(data, 'bundle.zip'), bytes);
    const inside = spawnSync('python3', ['-c', 'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nfor n in z.namelist(): sys.stdout.write(n + "\\n" + z.read(n).decode("utf-8", "replace") + "\\n")', join(data, 'bundle.zip')], { encoding: 'utf8', maxBuffer: 1 << 28 }).stdout;
    if (!/console.port/.test(inside) || !/fraudslot/.test(inside)) throw new Error('the bundle has no settings or connectors');
    for (const secret of [...SECRETS, '4111111111111111']) if (inside.includes(secret)) throw new Error(`the bundle holds ${secret}: ${inside.slice(inside.indexOf(secret) - 120, inside.indexOf(secret) + 20)}`);
  });

  /* ---- Every page of these, in the dark, on a phone, past axe ---- */
  const walk = [['agents', '/agents', 'text=spend >> nth=0'], ['agent', '/agents/mine', 'text=Versions'], ['alerts', '/alerts', 'text=/User/ >> nth=0'], ['reports', '/reports', 'text=office'], ['report', '/reports/office', 'text=Last runs'], ['trace', '/trace', 'text=Which row?'], ['health', '/health', 'text=Listeners'], ['settings', '/settings', 'text=console.port >> nth=0']];
  for (const [look, options] of [['wide-light', { size: WIDE }], ['phone-dark', { size: PHONE, dark: true }]]) {
    const shown = await openPage(browser, options);
    for (const [name, path, ready] of walk)
      await step(`${name} is whole, ${look}`, async () => {
        await shown.page.goto(url + path);
        await shown.page.waitForSelector(ready, { state: 'attached' });
        await shot(`${name}-${look}`, shown.page);
        const over = await shown.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (over > 0) throw new Error(`${over} px wider than the screen`);
        await shown.page.evaluate(axe);
        const found = await shown.page.evaluate(() => axe.run(document, { resultTypes: ['violations'], rules: { region: { enabled: false } } }));
        const serious = found.violations.filter(v => v.impact === 'serious' || v.impact === 'critical').map(v => `${v.id}: ${v.nodes[0].target.join(' ')}`);
        if (serious.length) throw new Error(serious.join('; '));
      }, shown.page);
    faults.push(...shown.faults);
    await shown.close();
  }
  await step('nothing failed on the way', async () => {
    const unexpected = faults.filter(f => !/status of (400|409)|404 .*\/agents\/spend-dry/.test(f));
    if (unexpected.length) throw new Error(unexpected.join('\n'));
  });

  /* ---- A console that asks for a token ---- */
  const guarded = `http://127.0.0.1:${base + 7}`, second = await start('guarded', { listeners: `127.0.0.1:${base + 5}`, 'rest.port': base + 6, 'console.port': base + 7, 'console.host.name': '0.0.0.0', 'console.read.token': 'only-look-2468' });
  try {
    const token = /#token=([\w-]+)/.exec(second.said())?.[1];
    const door = await openPage(browser), p = door.page;
    p.setDefaultTimeout(30_000);
    await step('elsewhere than on loopback it asks for a token, and a wrong one is refused', async () => {
      await p.goto(guarded + '/topics');
      await p.waitForURL('**/login?back=*');
      await p.waitForSelector('text=asks for a token');
      await p.fill('[type=password]', 'guess');
      await p.keyboard.press('Enter');
      await p.waitForSelector('.error-line');
      await shot('login', p);
    }, p);
    await step('the token for those who look shows everything and lets them change nothing', async () => {
      await p.fill('[type=password]', 'only-look-2468');
      await p.keyboard.press('Enter');
      await p.waitForURL(guarded + '/topics');
      await p.waitForSelector('text=/may only look|Read only/ >> nth=0');
      if (await p.isEnabled('text=Create topic >> nth=0')) throw new Error('a topic may be created');
      for (const path of ['/agents', '/reports']) {
        await p.goto(guarded + path);
        await p.waitForSelector('text=/New (agent|report)…/ >> nth=0');
        if (await p.locator('button:has-text("New ")').first().isEnabled()) throw new Error(`${path}: something may be made`);
      }
      await shot('read-only', p);
      const refused = await p.evaluate(async () => (await fetch('/api/v1/topics', { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Tailrace': '1' }, body: '{"name":"x"}' })).status);
      if (refused !== 403) throw new Error(`the API answered ${refused}`);
    }, p);
    await step('a login that ends while something is typed is asked for over the page, and what was typed is sent then', async () => {
      await p.context().clearCookies();
      await p.goto(guarded + '/topics');
      await p.fill('[type=password]', token);
      await p.keyboard.press('Enter');
      await p.click('text=Create topic >> nth=0');
      await p.getByLabel('Name', { exact: true }).fill('typed');
      await p.context().clearCookies();
      await p.click('.dialog >> text=Create >> nth=-1');
      await p.waitForSelector('text=Log in again');
      await shot('login-again', p);
      await p.keyboard.press('Escape');
      await p.keyboard.type('guess');
      await p.keyboard.press('Enter');
      await p.waitForSelector('.login-form .error-line');
      await p.fill('.login-form [type=password]', token);
      await p.keyboard.press('Enter');
      await p.waitForSelector('h1 >> text=typed');
      await p.waitForSelector('.live >> text=Live');
    }, p);
    await step('a session that is over leads back to the login', async () => {
      await p.context().clearCookies();
      await p.goto(guarded + '/agents');
      await p.waitForURL('**/login?back=*');
    }, p);
    await step('the printed address logs in, and keeps no token', async () => {
      if (!token) throw new Error(`no token was printed: ${second.said()}`);
      await p.goto('about:blank');
      await p.goto(`${guarded}/#token=${token}`);
      await p.waitForSelector('nav >> text=Overview >> nth=0');
      if (p.url().includes(token)) throw new Error('the token stays in the address');
      const allowed = await p.evaluate(async () => (await fetch('/api/v1/topics', { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Tailrace': '1' }, body: '{"name":"mine","partitions":1}' })).status);
      if (allowed !== 201) throw new Error(`the API answered ${allowed}`);
    }, p);
    await door.close();
  } finally {
    await second.stop();
  }
} finally {
  await browser.close();
  await up.stop();
  hook.close();
  rmSync(data, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
