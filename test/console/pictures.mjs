/* pictures.mjs URL OUT: the README's pictures, taken from a running program that has a connector, agents and alerts, as `make demo` has. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch, openPage } from './browser.mjs';

const [url, out] = process.argv.slice(2);
const topic = '/topics/fraud-detection.public.transactions';
mkdirSync(out, { recursive: true });
const browser = await launch(), { page, close } = await openPage(browser, { size: { width: 1440, height: 860 } });
const take = async (name, path, ready, act) => {
  await page.goto(url + path);
  await page.waitForSelector(ready);
  await page.waitForFunction(() => !document.querySelector('.plot:empty'));
  if (act) await act();
  await page.screenshot({ path: join(out, name + '.png') });
};
await take('overview', '/', 'text=Slots');
await take('messages', topic + '?filter=amount+%3E+3000', 'tbody tr', async () => {
  await page.locator('tbody tr').first().click();
  await page.waitForSelector('.drawer .diff');
});
await take('alert', '/alerts', '.alert >> text=From commit to alert');
await close();
await browser.close();
