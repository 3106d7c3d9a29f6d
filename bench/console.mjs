/*
 * bench/console.mjs URL: how soon the console paints and says whether anything is wrong, and what it loads for that. Opens it several times
 * in a browser that has nothing in its cache, after once to warm the machine, and prints the medians as one line of JSON. Needs Chromium and test/console's packages (npm ci there).
 */
import { launch, openPage } from '../test/console/browser.mjs';

const TIMES = 9;
const median = list => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
const browser = await launch();
const found = [];
for (let i = -1; i < TIMES; i++) {
  const { page, faults, close } = await openPage(browser);
  await page.addInitScript(() => {
    const seen = new MutationObserver(() => {
      if (!document.querySelector('.verdict h1')?.textContent) return;
      seen.disconnect();
      requestAnimationFrame(() => performance.mark('verdict'));
    });
    seen.observe(document, { childList: true, subtree: true, characterData: true });
  });
  await page.goto(process.argv[2], { waitUntil: 'load' });
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0 && performance.getEntriesByName('verdict').length > 0);
  const one = (
    await page.evaluate(() => {
      const files = performance.getEntriesByType('resource').filter(entry => ['script', 'link', 'css'].includes(entry.initiatorType));
      const [document] = performance.getEntriesByType('navigation');
      return {
        paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
        loaded: document.loadEventEnd,
        verdict: performance.getEntriesByName('verdict')[0].startTime,
        scripts: files.length,
        bytes: files.reduce((sum, file) => sum + file.encodedBodySize, document.encodedBodySize),
        plain: files.reduce((sum, file) => sum + file.decodedBodySize, document.decodedBodySize)
      };
    })
  );
  if (i >= 0) found.push(one);
  if (faults.length > 0) throw new Error(faults[0]);
  await close();
}
await browser.close();

/* All of it, page by page: the first script names the others. */
const ask = name => fetch(new URL(name, process.argv[2]), { headers: { accept: 'text/html', 'accept-encoding': 'gzip' } });
const names = new Set((await (await ask('/')).text()).match(/assets\/[\w.-]+/g));
for (const name of [...names].filter(n => n.endsWith('.js'))) for (const part of (await (await ask(name)).text()).match(/[\w-]+-[\w-]{8}\.js/g) ?? []) names.add('assets/' + part);
let whole = 0;
for (const name of ['/', ...names]) whole += Number((await ask(name)).headers.get('content-length'));

console.log(
  JSON.stringify({
    times: TIMES,
    first_paint_ms: median(found.map(one => one.paint)),
    verdict_ms: median(found.map(one => one.verdict)),
    loaded_ms: median(found.map(one => one.loaded)),
    files: found[0].scripts,
    packed_bytes: found[0].bytes,
    plain_bytes: found[0].plain,
    all_bytes: whole
  })
);
