/*
 * pages.test.mjs: every page at two widths and in two themes: nothing on the console, no breach of the policy, no sideways
 * scroll, one first heading, and no serious finding of axe. With CONSOLE_SHOTS=DIR it leaves a picture of each there.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { openPage, PHONE, WIDE } from './browser.mjs';
import { PAGES } from './pages.mjs';

const axe = createRequire(import.meta.url)('axe-core').source;

export default ({ server, browser, shots, test }) => {
  for (const [width, size] of [['wide', WIDE], ['phone', PHONE]])
    for (const dark of [false, true]) {
      const look = `${width}-${dark ? 'dark' : 'light'}`;
      let shared;
      /* axe is slow: each theme and each width once is enough for what it finds. */
      const audit = look === 'wide-light' || look === 'phone-dark';
      for (const [name, path, ready, setup] of PAGES) {
        /* Pages without data and in trouble are walked once; the others in every look. */
        if (path.includes('demo=') && look !== 'wide-light' && !shots) continue;
        test(`page ${name} ${look}`, async () => {
          shared ??= await openPage(browser, { size, dark });
          const { page, faults } = shared;
          faults.length = 0;
          await page.goto(server.url + path);
          await page.waitForSelector(ready, { timeout: 15_000, state: 'attached' });
          if (setup) await setup(page);
          await page.evaluate(() => document.fonts.ready);
          await page.waitForFunction(() => !document.querySelector('.plot:empty'), null, { timeout: 5000 });
          if (shots) await page.screenshot({ path: `${shots}/${name}-${look}.png` });
          const found = await page.evaluate(() => ({ over: document.documentElement.scrollWidth - innerWidth, headings: document.querySelectorAll('h1').length, title: document.title }));
          assert.ok(found.over <= 0, `the page is ${found.over} px wider than the screen`);
          assert.equal(found.headings, 1, `${found.headings} first headings`);
          assert.match(found.title, /Tailrace/);
          if (audit) {
            await page.evaluate(axe);
            const result = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'], rules: { region: { enabled: false } } }));
            const serious = result.violations.filter(v => v.impact === 'serious' || v.impact === 'critical');
            assert.deepEqual(serious.map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' ' + (n.any[0]?.message ?? n.all[0]?.message ?? '')).join(' | ')}`), []);
          }
          assert.deepEqual(faults, []);
        });
      }
    }
};
