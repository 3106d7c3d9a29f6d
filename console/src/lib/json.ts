/*
 * json.ts: JSON as a stream of coloured tokens, indented, never parsed into values: numbers of 64 bits and more stay
 * exactly as they are in the message. Text that is not JSON comes out as it is.
 */
import { visible } from './format';

export type Kind = 'key' | 'str' | 'num' | 'lit' | '';
export type Token = [text: string, kind: Kind];

const PART = /\s+|"(?:[^"\\]|\\.)*"(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|\b(?:true|false|null)\b|[{}[\],:]|[^\s{}[\],:"]+|"(?:[^"\\]|\\.)*$|./gs;

/* Gives tokens in slices, so that a long text does not hold up the page: call next until done. */
export function* tokens(text: string, indent: boolean): Generator<Token> {
  let depth = 0, last = '';
  const line = () => '\n' + '  '.repeat(Math.min(depth, 40));
  PART.lastIndex = 0;
  for (const match of text.matchAll(PART)) {
    const part = match[0], first = part[0]!;
    if (/^\s/.test(part)) {
      if (!indent) yield [part, ''];
      continue;
    }
    const opensNothing = (first === '}' || first === ']') && (last === '{' || last === '[');
    if (indent && (first === '}' || first === ']')) {
      depth = Math.max(0, depth - 1);
      if (!opensNothing) yield [line(), ''];
    } else if (indent && (last === '{' || last === '[')) yield [line(), ''];
    if (first === '"') {
      if (match[1] !== undefined) {
        yield [visible(part.slice(0, part.length - match[1].length)), 'key'];
        yield [indent ? ': ' : match[1], ''];
      } else yield [visible(part), 'str'];
    } else if (/^-?\d/.test(part)) yield [part, 'num'];
    else if (/^(true|false|null)$/.test(part)) yield [part, 'lit'];
    else yield [visible(part), ''];
    if (first === '{' || first === '[') depth++;
    if (indent && first === ',' && part === ',') yield [line(), ''];
    last = part.length === 1 ? part : '';
  }
}

/* Where a text stops being JSON and what belongs there; null: it is JSON. Browsers say it differently, and some without the place. */
export function jsonFault(text: string): string | null {
  const next = /\s*(?:([[{\]},:])|("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null)(?![\w.]))/y;
  const open: string[] = [], NAME = 'a name in double quotes', VALUE = 'a value';
  let wanted = VALUE, first = false, at = 0;
  for (;;) {
    next.lastIndex = at;
    const [all, mark, string] = next.exec(text) ?? [], end = open.at(-1) === '{' ? '}' : ']';
    if (all === undefined) break;
    if (mark === end && open.length && (first || wanted.startsWith('a comma'))) open.pop();
    else if (wanted === VALUE && (mark === '{' || mark === '[')) open.push(mark);
    else if (wanted === NAME ? !string : wanted === VALUE ? mark : mark !== (wanted === 'a colon' ? ':' : ',') || !open.length) break;
    at = next.lastIndex;
    first = mark === '{' || mark === '[';
    const inside = open.at(-1);
    wanted = mark === '{' || (mark === ',' && inside === '{') ? NAME : mark && mark !== '}' && mark !== ']' ? VALUE : string && wanted === NAME ? 'a colon' : inside ? `a comma or ${inside === '{' ? '}' : ']'}` : 'the end';
  }
  at += /^\s*/.exec(text.slice(at))![0].length;
  if (at === text.length && wanted === 'the end') return null;
  const lines = text.slice(0, at).split('\n');
  return `line ${lines.length}, column ${lines.at(-1)!.length + 1}: ${wanted} is expected${at === text.length ? ', and the text ends' : ' before ' + visible(text.slice(at, at + 24).split('\n')[0]!)}`;
}

export const looksLikeJson = (text: string) => /^\s*[{[]/.test(text);

/* 16 bytes a line: offset, hex, text */
export function hexLines(bytes: Uint8Array, from = 0, width = 8): string {
  const lines: string[] = [];
  for (let i = 0; i < bytes.length; i += width) {
    const part = [...bytes.subarray(i, i + width)];
    lines.push(
      (from + i).toString(16).padStart(6, '0') +
        '  ' +
        part
          .map(b => b.toString(16).padStart(2, '0'))
          .join(' ')
          .padEnd(width * 3 - 1) +
        '  ' +
        part.map(b => (b > 31 && b < 127 ? String.fromCharCode(b) : '.')).join('')
    );
  }
  return lines.join('\n');
}
