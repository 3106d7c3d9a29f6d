/*
 * bench/console.mjs URL: how soon the console paints, and what it loads for that. Opens it several times in a browser that has nothing in
 * its cache, and prints the medians as one line of JSON. Needs Chromium and test/console's packages (npm ci there).
 */
import { launch, openPage } from '../test/console/browser.mjs';

const TIMES = 9;
const median = list => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
const browser = await launch();
const found = [];
for (let i = 0; i < TIMES; i++) {
  const { page, faults, close } = await openPage(browser);
  await page.goto(process.argv[2], { waitUntil: 'load' });
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  found.push(
    await page.evaluate(() => {
      const files = performance.getEntriesByType('resource').filter(entry => ['script', 'link', 'css'].includes(entry.initiatorType));
      const [document] = performance.getEntriesByType('navigation');
      return {
        paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
        loaded: document.loadEventEnd,
        scripts: files.length,
        bytes: files.reduce((sum, file) => sum + file.encodedBodySize, document.encodedBodySize),
        plain: files.reduce((sum, file) => sum + file.decodedBodySize, document.decodedBodySize)
      };
    })
  );
  if (faults.length > 0) throw new Error(faults[0]);
  await close();
}
await browser.close();
console.log(
  JSON.stringify({
    times: TIMES,
    first_paint_ms: median(found.map(one => one.paint)),
    loaded_ms: median(found.map(one => one.loaded)),
    files: found[0].scripts,
    packed_bytes: found[0].bytes,
    plain_bytes: found[0].plain
  })
);
