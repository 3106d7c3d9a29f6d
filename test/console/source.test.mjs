/* source.test.mjs: what the sources must never do, the size of what is built, and the contrast of the tokens. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const files = dir => readdirSync(dir, { withFileTypes: true }).flatMap(e => (e.isDirectory() ? files(join(dir, e.name)) : [join(dir, e.name)]));

function contrast(a, b) {
  const light = hex => {
    const [r, g, b2] = [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16) / 255).map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b2;
  };
  const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}

export default ({ source, test }) => {
  test('the sources put no text into the page as markup', () => {
    for (const file of files(join(source, 'src')).filter(f => /\.tsx?$/.test(f))) {
      const text = readFileSync(file, 'utf8');
      const bad = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|style="/.exec(text);
      assert.equal(bad, null, `${file}: ${bad?.[0]}`);
    }
  });

  test('the built console is small, hashed and keeps to itself', () => {
    const done = spawnSync('node', ['check-bundle.mjs', 'dist'], { cwd: source, encoding: 'utf8' });
    assert.equal(done.status, 0, done.stderr);
    console.log('    ' + done.stdout.trim().split('\n').pop().trim());
  });

  test('nothing of the demo is in the built console', () => {
    for (const file of files(join(source, 'dist')).filter(f => f.endsWith('.js'))) assert.equal(/Nordlicht Foto|activityslot/.test(readFileSync(file, 'utf8')), false, file);
  });

  test('the lock files name no place to download from', () => {
    for (const file of [join(source, 'package-lock.json'), join(source, '../test/console/package-lock.json')]) assert.equal(/"resolved"/.test(readFileSync(file, 'utf8')), false, file);
  });

  test('the types agree', () => {
    const done = spawnSync('npx', ['tsc', '--noEmit'], { cwd: source, encoding: 'utf8' });
    assert.equal(done.stdout + done.stderr, '');
  });

  test('text has the contrast of WCAG AA in both themes', () => {
    const css = readFileSync(join(source, 'src/tokens.css'), 'utf8');
    for (const [theme, part] of [
      ['light', css.slice(css.indexOf(':root {'), css.indexOf('@media'))],
      ['dark', css.slice(css.indexOf(':root[data-theme="dark"]'))]
    ]) {
      const token = name => new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(part)?.[1] ?? assert.fail(`${theme}: no --${name}`);
      for (const [text, surface, least] of [
        ['text', 'panel', 7], ['text-2', 'panel', 4.5], ['text-3', 'panel', 4.5], ['text-3', 'bg', 4.5], ['accent', 'panel', 4.5], ['on-accent', 'accent', 4.5], ['ok', 'panel', 4.5], ['ok', 'ok-soft', 4.5],
        ['warn', 'panel', 4.5], ['warn', 'warn-soft', 4.5], ['crit', 'panel', 4.5], ['crit', 'crit-soft', 4.5], ['on-crit', 'crit', 4.5], ['idle', 'panel', 4.5], ['info', 'panel', 4.5], ['info', 'info-soft', 4.5],
        ['control-line', 'panel', 3], ['warn-mark', 'panel', 3], ['series-1', 'panel', 3], ['series-2', 'panel', 3], ['series-3', 'panel', 3], ['series-4', 'panel', 3], ['series-5', 'panel', 3], ['series-6', 'panel', 3]
      ]) {
        const ratio = contrast(token(text), token(surface));
        assert.ok(ratio >= least, `${theme}: --${text} on --${surface} is ${ratio.toFixed(2)}, less than ${least}`);
      }
    }
  });
};
