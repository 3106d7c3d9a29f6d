/* shots.mjs DIST OUT [NAME…]: pictures of the pages, for people to look at. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { launch, openPage, PHONE, WIDE } from './browser.mjs';
import { PAGES } from './pages.mjs';
import { serve } from './serve.mjs';

const [dist, out, ...names] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const server = await serve(resolve(dist)), browser = await launch();
for (const [name, path, ready, setup] of PAGES) {
  if (names.length && !names.some(n => name.startsWith(n))) continue;
  for (const [width, size] of [['wide', WIDE], ['phone', PHONE]])
    for (const dark of names.includes('--light') ? [false] : [false, true]) {
      const { page, faults, close } = await openPage(browser, { size, dark });
      await page.goto(server.url + path);
      try {
        await page.waitForSelector(ready, { timeout: 8000, state: 'attached' });
        if (setup) await setup(page);
        await page.waitForTimeout(400);
      } catch (error) {
        faults.push(String(error).split('\n')[0]);
      }
      await page.screenshot({ path: `${out}/${name}-${width}-${dark ? 'dark' : 'light'}.png`, fullPage: process.env.FULL === '1' });
      if (faults.length) console.log(name, width, faults.slice(0, 4));
      await close();
    }
}
await browser.close();
server.close();
