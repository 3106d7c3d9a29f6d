/*
 * check-bundle.mjs DIR: what the built console must keep: at most 120 KiB gzipped in all, hashed names, no inline
 * script or style, nothing from another host.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';

const LIMIT = 120 * 1024;
const dir = process.argv[2] ?? 'dist';
const list = path => readdirSync(path, { withFileTypes: true }).flatMap(e => (e.isDirectory() ? list(join(path, e.name)) : [join(path, e.name)]));
const faults = [];
let total = 0;

for (const file of list(dir).sort()) {
  const bytes = readFileSync(file), name = relative(dir, file), size = gzipSync(bytes, { level: 9 }).length, text = bytes.toString('utf8');
  total += size;
  console.log(`${String(size).padStart(8)}  ${name}`);
  if (name !== 'index.html' && !/-[\w-]{8}\.\w+$/.test(name)) faults.push(`${name} has no hash in its name`);
  for (const [url] of text.matchAll(/(?:src|href|url\(|import\()\s*=?\s*["'(]?\s*(?:https?:)?\/\/[\w.-]+/g)) faults.push(`${name} names another host: ${url}`);
}
const html = readFileSync(join(dir, 'index.html'), 'utf8');
if (/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/i.test(html)) faults.push('index.html has an inline script or style');
console.log(`${String(total).padStart(8)}  in all, of at most ${LIMIT}`);
if (total > LIMIT) faults.push(`the console is ${total} bytes gzipped, more than ${LIMIT}`);
for (const fault of faults) console.error(`check-bundle: ${fault}`);
process.exit(faults.length ? 1 : 0);
