/*
 * run.mjs [NAME…]: the browser tests of the console. Builds the console and its demo, then walks the demo's pages in the
 * system's Chromium. Without node, npm's packages or Chromium it says so and skips. The last line counts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url)), root = resolve(here, '../..'), source = join(root, 'console');
const shots = process.env.CONSOLE_SHOTS ?? null;
const names = process.argv.slice(2);

function skip(why) {
  console.log(`console: skipped: ${why}`);
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit(0);
}
const run = (command, args, cwd) => {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 600_000, stdio: ['ignore', 'pipe', 'pipe'] });
  return done.status === 0 ? null : (done.stdout ?? '') + (done.stderr ?? '') + (done.error ?? '');
};
const install = dir => {
  const lock = readFileSync(join(dir, 'package-lock.json'), 'utf8'), stamp = join(dir, 'node_modules', '.package-lock.json');
  if (existsSync(stamp) && statSync(stamp).mtimeMs > statSync(join(dir, 'package-lock.json')).mtimeMs && lock) return null;
  return run('npm', ['ci', '--no-audit', '--no-fund'], dir);
};

if (!existsSync(process.env.CHROMIUM ?? '/usr/bin/chromium')) skip('there is no Chromium (apt-get install chromium)');
for (const dir of [source, here]) {
  const fault = install(dir);
  if (fault) skip(`npm ci failed in ${dir}: ${fault.slice(-300)}`);
}
const list = dir => readdirSync(dir, { withFileTypes: true }).flatMap(e => (e.isDirectory() ? list(join(dir, e.name)) : [join(dir, e.name)]));
const newest = Math.max(...[...list(join(source, 'src')), ...['index.html', 'vite.config.ts', 'package-lock.json'].map(n => join(source, n))].map(f => statSync(f).mtimeMs));
for (const [dist, script] of [
  ['dist', 'build'],
  ['dist-demo', 'demo']
]) {
  const index = join(source, dist, 'index.html');
  if (existsSync(index) && statSync(index).mtimeMs > newest) continue;
  const fault = run('npm', ['run', script], source);
  if (fault) {
    console.log(fault.slice(-3000));
    console.log('0 passed, 1 failed');
    process.exit(1);
  }
}
if (shots) mkdirSync(shots, { recursive: true });

const { launch } = await import('./browser.mjs');
const { serve } = await import('./serve.mjs');
const server = await serve(join(source, 'dist-demo')), browser = await launch();
const tests = [];
const test = (name, body) => tests.push([name, body]);
const world = { server, browser, shots, root, source, test };
for (const file of ['./source.test.mjs', './format.test.mjs', './behaviour.test.mjs', './pages.test.mjs']) (await import(file)).default(world);

let passed = 0, failed = 0;
for (const [name, body] of tests) {
  if (names.length && !names.some(n => name.includes(n))) continue;
  const timer = AbortSignal.timeout(120_000);
  try {
    await Promise.race([body(), new Promise((_, no) => timer.addEventListener('abort', () => no(new Error('took longer than 120 s'))))]);
    passed++;
  } catch (error) {
    failed++;
    console.log(`not ok: ${name}\n    ${String(error.message ?? error).split('\n').slice(0, 12).join('\n    ')}`);
  }
}
await browser.close();
server.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
