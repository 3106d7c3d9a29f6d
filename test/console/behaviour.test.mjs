/* behaviour.test.mjs: what the page does: keyboard, focus, values, live, lists, questions. */
import assert from 'node:assert/strict';
import { openPage, PHONE } from './browser.mjs';
import { CONNECTOR } from './pages.mjs';

const TX = '/topics/fraud-detection.public.transactions';

export default ({ server, browser, test }) => {
  const on = (name, path, body, options) =>
    test(name, async () => {
      const { page, faults, close } = await openPage(browser, options);
      try {
        await page.goto(server.url + path);
        await body(page);
        assert.deepEqual(faults, []);
      } finally {
        await close();
      }
    });
  const focused = page => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim() ?? '');

  on('tab walks the page in reading order with a visible focus', '/', async page => {
    await page.waitForSelector('text=Slots');
    const seen = [];
    for (let i = 0; i < 45; i++) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const e = document.activeElement, s = getComputedStyle(e), box = e.getBoundingClientRect();
        return { tag: e.tagName, text: (e.getAttribute('aria-label') ?? e.textContent ?? '').trim().slice(0, 40), shown: box.width > 0 && box.height > 0, ring: s.boxShadow !== 'none' || s.outlineStyle !== 'none' };
      });
      if (at.tag === 'BODY' && seen.length > 30) break; /* past the last one */
      assert.notEqual(at.tag, 'BODY', `the focus was lost after ${seen.at(-1)}`);
      assert.ok(at.shown, `${at.text} is focused but not shown`);
      assert.ok(at.ring || at.text === '', `${at.text} shows no focus`);
      seen.push(at.text);
    }
    assert.match(seen[0], /Skip to content/);
    const order = ['Overview', 'Topics', 'Find a topic', 'Set the password…', 'Show the group'].map(t => seen.findIndex(s => s.startsWith(t)));
    assert.ok(order.every((v, i) => v >= 0 && (i === 0 || v > order[i - 1])), `order: ${seen.join(' | ')}`);
  });

  on('the skip link leads to the content', '/', async page => {
    await page.waitForSelector('text=Slots');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  });

  on('letters lead to pages and rows', '/', async page => {
    await page.waitForSelector('text=Slots');
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.waitForURL('**/topics');
    await page.waitForSelector('text=customers.orders.dlq');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    assert.match(await focused(page), /fraud-detection\.public\.users/);
    await page.keyboard.press('k');
    await page.keyboard.press('Enter');
    await page.waitForURL('**' + TX);
    await page.keyboard.press('/');
    assert.equal(await focused(page), 'Filter');
    await page.keyboard.type('gt');
    assert.equal(await page.inputValue('[aria-label="Filter"]'), 'gt');
  });

  on('letters can be switched off', '/settings', async page => {
    await page.click('text=Single letters are keys');
    await page.locator('h1').click();
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.waitForTimeout(200);
    assert.match(page.url(), /\/settings/);
  });

  on('find opens by key, reads LSNs, and gives the focus back', '/topics', async page => {
    await page.waitForSelector('text=customers.orders.dlq');
    await page.focus('.find');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('2a/91f3c0e8');
    await page.waitForSelector('.pal-item >> text=trace this LSN');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.pal', { state: 'detached' });
    assert.equal(await page.evaluate(() => document.activeElement.className), 'find');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('customers-service');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/groups/customers-service');
  });

  on('with several databases that have no common position, rows are captured all the same', '/?demo=many', async page => {
    await page.waitForSelector('text=none is lost.');
    assert.equal(await page.locator('text=Nothing is captured').count(), 0);
  });

  on('find starts a new agent', '/topics', async page => {
    await page.waitForSelector('text=customers.orders.dlq');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('new age');
    await page.waitForSelector('.pal-item >> text=New agent');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/agents$/);
    await page.waitForSelector('[role=dialog]:not(.pal) >> text=choose one', { state: 'attached' });
  });

  on('a topic lists the agents that read it beside the groups', TX + '/consumers', async page => {
    await page.click('.panel a[href="/agents/fraud-pattern"]');
    await page.waitForURL('**/agents/fraud-pattern');
  });

  on('long names of headers do not run into their values', TX, async page => {
    await page.locator('tbody tr').nth(3).click();
    await page.click('.drawer >> text=Facts');
    const name = page.locator('.headers th[scope=row]').first();
    await name.waitFor();
    assert.match(await name.textContent(), /connectorLogicalName/);
    assert.ok(await name.evaluate(e => e.scrollWidth <= e.clientWidth), 'the name is wider than its column');
  });

  on('offsets stand under their head', TX, async page => {
    const right = at => page.locator(at).last().evaluate(e => { const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect().right; });
    await page.waitForSelector('tbody tr td');
    assert.ok(Math.abs((await right('thead >> nth=0 >> th')) - (await right('tbody tr >> nth=0 >> td'))) < 3);
  });

  on('a dialog keeps the focus inside and asks for the name', '/topics/activity.streaming', async page => {
    await page.click('[aria-label^="More: clone"]');
    await page.click('[role=menuitem] >> text=Delete');
    await page.waitForSelector('text=8,204,113 messages');
    const remove = page.locator('.dialog-foot .btn.danger');
    assert.equal(await remove.isDisabled(), true);
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press('Tab');
      assert.ok(await page.evaluate(() => document.activeElement.closest('[role=dialog]') !== null), 'the focus left the dialog');
    }
    await page.fill('.dialog input', 'activity.streamin');
    assert.equal(await remove.isDisabled(), true);
    await page.fill('.dialog input', 'activity.streaming');
    await remove.click();
    await page.waitForSelector('.toast >> text=is deleted');
    await page.waitForURL('**/topics');
  });

  on('numbers of 64 bits survive from topic to screen and clipboard', TX, async page => {
    await page.waitForSelector('text=9223372036854775807');
    await page.click('text=9223372036854775807');
    await page.waitForSelector('.drawer .diff >> text=9223372036854775807');
    await page.click('.drawer >> text=Copy value');
    await page.waitForSelector('.toast >> text=Copied');
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /"user_id":9223372036854775807,/);
    await page.click('.drawer-seg >> text=Message');
    await page.waitForSelector('.j-num >> text=9223372036854775807');
  });

  on('markup and hidden characters in values stay text', TX, async page => {
    await page.waitForSelector('td >> text=<script>alert(1)</script>');
    assert.equal(await page.evaluate(() => [...document.scripts].some(s => s.textContent.includes('alert'))), false);
    await page.goto(server.url + '/topics/activity.streaming');
    await page.waitForSelector('text=⟨U+202E⟩override');
    await page.waitForSelector('text=bell ⟨U+0007⟩');
    await page.waitForSelector('text=tombstone');
  });

  on('a message of 1 MiB loads in pieces', '/topics/activity.streaming?p=0&o=2051028', async page => {
    await page.waitForSelector('.drawer >> text=1.0 MiB.'.replace(' ', '\u202f'));
    await page.click('.drawer >> text=more');
    await page.waitForFunction(() => document.querySelector('.drawer pre').textContent.length > 60_000);
    assert.ok((await page.evaluate(() => document.querySelectorAll('.drawer *').length)) < 500);
  });

  on('the view is in the address and comes back from it', TX, async page => {
    await page.waitForSelector('text=40 found');
    await page.fill('[aria-label="Filter"]', 'amount > 90000');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=Nothing in the newest');
    assert.match(page.url(), /filter=amount\+%3E\+90000/);
    await page.click('.empty >> text=Clear the filter');
    await page.waitForSelector('td >> text=128402117');
    await page.click('text=128402117');
    assert.match(page.url(), /p=2&o=32100611/);
    await page.reload();
    await page.waitForSelector('.drawer >> text=Juwelier Stern');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.drawer', { state: 'detached' });
  });

  on('a wrong filter is marked where it is wrong', TX + '?filter=amount+%3E', async page => {
    await page.waitForSelector('text=The filter ends where a value is expected.');
    await page.waitForSelector('.field.wrong');
  }, {});

  on('live shows, counts what is not shown, and freezes by space', TX + '?from=live', async page => {
    await page.waitForSelector('text=+18,362 /s not shown');
    await page.locator('h1').click();
    await page.keyboard.press('Space');
    await page.waitForSelector('text=Frozen;');
    const rows = await page.locator('tbody tr').count();
    await page.waitForTimeout(1300);
    assert.equal(await page.locator('tbody tr').count(), rows);
    await page.keyboard.press('Space');
    await page.waitForSelector('text=Space freezes.');
  });

  on('5,000 topics keep the page small and scroll to the end', '/topics?demo=many', async page => {
    await page.waitForSelector('text=5,000 topics');
    assert.ok((await page.locator('tbody tr').count()) <= 80);
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await page.waitForSelector('text=tenant-4999.public.orders');
    assert.ok((await page.locator('tbody tr').count()) <= 80);
  });

  on('a silent connection is said, and what changes things is off', '/connectors/office-connector?demo=down', async page => {
    await page.waitForSelector('h1 >> text=office-connector');
    await page.waitForSelector('text=No connection to Tailrace for', { timeout: 25_000 });
    assert.equal(await page.locator('.page-actions >> text=Pause').isDisabled(), true);
    await page.waitForSelector('.strip >> text=Try now');
  });

  on('a read-only browser sees all and changes nothing', '/connectors/office-connector?demo=readonly', async page => {
    await page.waitForSelector('text=Read only.');
    const pause = page.locator('.page-actions button', { hasText: 'Pause' });
    assert.equal(await pause.isDisabled(), true);
    assert.match(await pause.getAttribute('title'), /console\.access/);
  });

  on('a failed call says what, why and what to do, and can be repeated', '/topics?demo=error', async page => {
    await page.waitForSelector('text=Partition 2 cannot be read past offset 32,088,104.');
    await page.waitForSelector('text=Check the disk');
    await page.click('text=Try again');
    await page.waitForSelector('text=Partition 2 cannot be read');
  }, {});

  on('a pasted connector is checked, repaired by a button and created', '/connectors/new', async page => {
    await page.fill('[aria-label="Connector JSON"]', '{"name": ');
    await page.waitForSelector('text=Not valid JSON: line 1, column 10: a value is expected, and the text ends');
    await page.fill('[aria-label="Connector JSON"]', CONNECTOR);
    await page.waitForSelector('text=database.replication.slot.name is not a property');
    await page.click('text=Remove the line');
    await page.waitForSelector('text=database.replication.slot.name is not a property', { state: 'detached' });
    await page.locator('h1').click();
    assert.equal(/postgrespw/.test(await page.inputValue('[aria-label="Connector JSON"]')), false, 'the password is shown');
    await page.click('text=Create and start');
    await page.waitForURL('**/connectors/activity-connector');
  });

  on('deleting a connector asks about its slot', '/connectors/activity-connector', async page => {
    await page.click('[aria-label^="More: change offsets"]');
    await page.click('[role=menuitem] >> text=Delete');
    await page.fill('.dialog input[type=text]', 'activity-connector');
    const remove = page.locator('.dialog-foot .btn.danger');
    assert.equal(await remove.isDisabled(), true, 'without a word about the slot');
    await page.click('text=Keep it.');
    assert.equal(await remove.isDisabled(), false);
    await page.click('.dialog >> text=Cancel');
  });

  on('a reset is previewed, and refused while members run', '/groups/customers-service', async page => {
    await page.waitForSelector('text=1 message is skipped.');
    await page.click('text=Skip to the end');
    await page.waitForSelector('text=137,480 messages are skipped');
    assert.equal(await page.locator('text=Reset 2 partitions…').isDisabled(), true);
    await page.click('.confirm >> text=Copy as command');
    await page.waitForSelector('.toast >> text=Copied');
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^kafka-consumer-groups .*--reset-offsets/);
  });

  on('an alert is acknowledged by key and taken back', '/alerts/A-42118', async page => {
    await page.waitForSelector('text=Why it fired');
    await page.keyboard.press('a');
    await page.waitForSelector('.toast >> text=acknowledged');
    await page.waitForSelector('.alert .status >> text=Acknowledged');
    await page.click('.toast >> text=Undo');
    await page.waitForSelector('.alert .status >> text=Open');
    await page.click('text=Evaluate again');
    await page.waitForSelector('text=gives the same 90');
  });

  on('a login is asked for and leads back', '/groups?demo=login', async page => {
    await page.waitForSelector('text=asks for a token');
    await page.fill('input[type=password]', 'wrong');
    await page.click('button >> text=Log in');
    await page.waitForSelector('text=That token is not known.');
    await page.fill('input[type=password]', 'demo');
    await page.click('button >> text=Log in');
    await page.waitForSelector('h1 >> text=Groups');
  });

  on('times are in UTC when that is chosen', '/settings', async page => {
    await page.click('.seg >> text=UTC');
    await page.waitForSelector('text=Times in UTC');
    await page.goto(server.url + '/');
    await page.waitForSelector('.events time >> text=12:30:59');
  });

  on('the theme of the system is followed, and can be overruled', '/', async page => {
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    await page.click('[aria-label="Switch between light and dark"]');
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light');
    await page.reload();
    await page.waitForSelector('h1');
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light');
  }, { dark: true });

  on('a plot can be read as a table', '/', async page => {
    await page.waitForSelector('.plot canvas');
    await page.locator('.plot-as').first().click();
    await page.waitForSelector('[aria-label="Rows in and out over the last hour, as a table"]');
  });

  on('on a phone the pipeline is a list and the menu opens', '/', async page => {
    await page.waitForSelector('.inline-edge >> text=18,412');
    await page.click('.tabbar >> text=More');
    await page.click('.nav >> text=Groups');
    await page.waitForURL('**/groups');
    await page.waitForSelector('.frame:not(.nav-open)');
  }, { size: PHONE });

  on('muting from an alert shows in the inbox and can be ended', '/alerts/A-42118', async page => {
    await page.click('button[aria-label^="More: note, mute User 7690"], [title^="More: note, mute User 7690"]');
    await page.click('text=Mute User 7690 for 1 h');
    await page.waitForSelector('text=User 7690 is muted for 1 h');
    await page.click('summary:has-text("1 muted")');
    await page.waitForSelector('text=7690, fraud-score');
    await page.click('details button:has-text("End")');
    await page.waitForSelector('summary:has-text("1 muted")', { state: 'detached' });
  });

  on('an inbox of 10,000 alerts comes by the page, as it is scrolled', '/alerts?demo=many', async page => {
    await page.waitForSelector('.alert-item');
    const count = () => page.locator('.alert-item').count();
    for (let pages = 1; pages <= 10; pages++) {
      await page.waitForFunction(n => document.querySelectorAll('.alert-item').length === n, pages * 100);
      await page.evaluate(() => (document.querySelector('.inbox').scrollTop = 1e9));
    }
    await page.waitForFunction(() => document.querySelectorAll('.alert-item').length > 1000);
    assert.ok((await count()) < 2000, 'more came than was scrolled to');
    await page.selectOption('[aria-label=Agent]', 'fraud-score');
    await page.waitForFunction(() => document.querySelectorAll('.alert-item').length === 100);
    await page.locator('.alert-item').nth(3).focus();
    await page.keyboard.press('j');
    assert.equal(await page.evaluate(() => [...document.querySelectorAll('.alert-item')].indexOf(document.activeElement)), 4);
  });

  on('an alert is judged again and sent again from its page', '/alerts/A-42118', async page => {
    await page.click('button:has-text("Evaluate again")');
    await page.waitForSelector('text=gives the same 90');
    await page.click('li:has-text("case-tool webhook") button:has-text("Send again")');
    await page.waitForSelector('text=Sent again to case-tool');
  });

  on('the state of a key is looked up on the page of its agent', '/agents/fraud-score', async page => {
    await page.fill('input[aria-label="Key"]', 'nobody');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=keeps nothing of key nobody');
    await page.fill('input[aria-label="Key"]', '7690');
    await page.keyboard.press('Enter');
    await page.waitForSelector('pre:has-text("transactions")');
  });
};
