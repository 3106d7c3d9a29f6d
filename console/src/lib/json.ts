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
