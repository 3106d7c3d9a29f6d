/* format.test.mjs: numbers, durations and texts by the table of cases, and the pure parts of the page. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export default ({ browser, source, test }) => {
  let page;
  const load = async () => {
    if (page) return page;
    const { build } = createRequire(join(source, 'package.json'))('esbuild');
    const code = await build({ stdin: { contents: "export * as format from './src/lib/format'; export * as json from './src/lib/json'; export * as sse from './src/lib/sse'; export * as form from './src/parts/config-form';", resolveDir: source, loader: 'ts' }, bundle: true, write: false, format: 'iife', globalName: 'lib', jsx: 'automatic', jsxImportSource: 'preact', define: { DEMO: 'true' }, alias: { '#transport': join(source, 'src/lib/transport.ts') } });
    page = await (await browser.newContext({ timezoneId: 'Europe/Berlin' })).newPage();
    await page.addScriptTag({ content: code.outputFiles[0].text });
    return page;
  };
  const cases = JSON.parse(readFileSync(new URL('./format-cases.json', import.meta.url), 'utf8'));
  for (const [name, list] of Object.entries(cases))
    test(`${name} is written as the table of cases says`, async () => {
      const p = await load();
      for (const [input, wanted] of list) {
        const got = await p.evaluate(([n, v]) => lib.format[n](v), [name, input]);
        assert.equal(got.replace(/\u202f/g, ' '), wanted, `${name}(${JSON.stringify(input)})`);
      }
    });

  test('times are read as they are typed', async () => {
    const p = await load();
    const at = text => p.evaluate(t => lib.format.parseTime(t), text);
    assert.equal(await at('2026-10-06 14:31:07'), 1791289867000);
    assert.equal(await at('2026-10-06T12:31:07Z'), 1791289867000);
    assert.equal(await at('2026-10-06 14:31:07.416+02:00'), 1791289867416);
    assert.equal(await at('25:00'), null);
    assert.equal(await at('soon'), null);
    assert.equal(await at(''), null);
    assert.equal(typeof (await at('14:20')), 'number');
  });

  test('where a text stops being JSON is said, and what belongs there', async () => {
    const p = await load();
    const at = text => p.evaluate(t => lib.json.jsonFault(t), text);
    assert.equal(await at('{\n "name": "x"\n "config": {}\n}'), 'line 3, column 2: a comma or } is expected before "config": {}');
    assert.equal(await at('{"a": "b",}'), 'line 1, column 11: a name in double quotes is expected before }');
    assert.equal(await at('\u201cname\u201d: 1'), 'line 1, column 1: a value is expected before \u201cname\u201d: 1');
    assert.equal(await at('{"a": {"b": 1}'), 'line 1, column 15: a comma or } is expected, and the text ends');
    /* It finds a fault where JSON.parse does, and nowhere else. */
    const differs = await p.evaluate(() => {
      const parts = ['{', '}', '[', ']', ',', ':', '"a"', '"b\\n"', '1', '-0.5e3', 'true', ' ', '01', '"', 'x'];
      const isJson = text => {
        try {
          return JSON.parse(text) !== undefined;
        } catch {
          return false;
        }
      };
      for (let n = 1; n < 50_000; n++) {
        let text = '';
        for (let rest = n * 7919; rest > 0; rest = Math.floor(rest / parts.length)) text += parts[rest % parts.length];
        if (isJson(text) !== (lib.json.jsonFault(text) === null)) return text;
      }
      return null;
    });
    assert.equal(differs, null);
  });

  test('json is coloured and indented without touching a digit', async () => {
    const p = await load();
    const text = '{"id":9223372036854775807,"a":[1,-2.50e+10,{}],"s":"a\\"b: {1}","n":null,"t":true}';
    const got = await p.evaluate(t => [...lib.json.tokens(t, true)], text);
    assert.equal(got.map(([part]) => part).join(''), '{\n  "id": 9223372036854775807,\n  "a": [\n    1,\n    -2.50e+10,\n    {}\n  ],\n  "s": "a\\"b: {1}",\n  "n": null,\n  "t": true\n}');
    assert.deepEqual(got.find(([part]) => part.startsWith('9223')), ['9223372036854775807', 'num']);
    assert.deepEqual(got.find(([part]) => part.startsWith('"a\\"b')), ['"a\\"b: {1}"', 'str']);
    assert.equal(await p.evaluate(() => [...lib.json.tokens('{"cut":"in the midd', true)].map(([part]) => part).join('')), '{\n  "cut": "in the midd');
  });

  test('server-sent events are read in whatever pieces they come', async () => {
    const p = await load();
    const whole = ': hello\n\nevent: overview\ndata: {"a":1}\ndata: {"b":2}\n\ndata: plain\r\n\r\n';
    const wanted = [{ event: '', data: '' }, { event: 'overview', data: '{"a":1}\n{"b":2}' }, { event: 'message', data: 'plain' }];
    for (const size of [1, 2, 3, 7, 1000]) {
      const got = await p.evaluate(([text, n]) => {
        const parser = new lib.sse.EventParser(), out = [];
        for (let i = 0; i < text.length; i += n) out.push(...parser.push(text.slice(i, i + n)));
        return out;
      }, [whole, size]);
      assert.deepEqual(got, wanted, `in pieces of ${size}`);
    }
  });

  test('a configuration is read whole or alone, and its secrets are masked', async () => {
    const p = await load();
    assert.deepEqual(await p.evaluate(() => lib.form.readDraft('{"name":"a","config":{"tasks.max":1,"x":"y"}}')), { name: 'a', config: { 'tasks.max': '1', x: 'y' } });
    assert.deepEqual(await p.evaluate(() => lib.form.readDraft('{"name":"a","x":"y"}')), { name: 'a', config: { name: 'a', x: 'y' } });
    assert.equal(typeof (await p.evaluate(() => lib.form.readDraft('{"name":'))), 'string');
    assert.equal(typeof (await p.evaluate(() => lib.form.readDraft('[1]'))), 'string');
    assert.equal(await p.evaluate(() => lib.form.maskedText('{"database.password": "se\\"cret", "database.user": "u"}')), '{"database.password": "********", "database.user": "u"}');
  });
};
