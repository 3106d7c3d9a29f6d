/*
 * format.ts: numbers, durations and times as people read them. test/console/format-cases.json is its table of cases.
 * The unit stands behind a narrow space that does not break.
 */
import { now } from './clock';
import { prefs } from './prefs';

export const GAP = '\u202f';
export const DASH = '–';
type Maybe = number | null | undefined;

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/* 1,204,331 */
export function int(n: Maybe): string {
  return n === null || n === undefined ? DASH : grouped.format(n);
}

/* Text of digits, also longer than a number can hold: "9223372036854775807" -> "9,223,372,036,854,775,807" */
export function digits(text: string): string {
  const parts = /^(-?)(\d+)(\.\d+)?$/.exec(text);
  return parts ? parts[1] + parts[2]!.replace(/\B(?=(\d{3})+$)/g, ',') + (parts[3] ?? '') : text;
}

/* A decimal as text, to four places */
export const decimal = (text: string) => digits(text.replace(/(\.\d{4})\d+$/, '$1').replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, ''));

/* Exact up to 9,999, then 18.4 k, 1.2 M, 3.4 G */
export function si(n: Maybe): string {
  if (n === null || n === undefined) return DASH;
  const size = Math.abs(n);
  if (size < 10) return String(Math.round(n * 10) / 10);
  if (size < 9999.5) return grouped.format(n);
  for (const [unit, scale] of [['k', 1e3], ['M', 1e6], ['G', 1e9]] as const)
    if (size / scale < 999.95 || unit === 'G') return (n / scale).toFixed(1) + GAP + unit;
  return grouped.format(n);
}

/* 18,412 /s; below one a second by the minute */
export function rate(per_s: Maybe): string {
  if (per_s === null || per_s === undefined) return DASH;
  if (per_s === 0) return '0' + GAP + '/s';
  if (per_s < 1) {
    const per_min = per_s * 60;
    return per_min < 0.05 ? '< 0.1' + GAP + '/min' : (per_min < 10 ? String(Math.round(per_min * 10) / 10) : grouped.format(per_min)) + GAP + '/min';
  }
  return (per_s < 10 ? String(Math.round(per_s * 10) / 10) : grouped.format(per_s)) + GAP + '/s';
}

export function rateShort(per_s: Maybe): string {
  return per_s !== null && per_s !== undefined && per_s >= 10000 ? si(per_s) + GAP + '/s' : rate(per_s);
}

export function bytes(n: Maybe): string {
  if (n === null || n === undefined) return DASH;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = n, at = 0;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at++;
  }
  return (at === 0 || value >= 100 ? String(Math.round(value)) : value.toFixed(1)) + GAP + units[at];
}

/* 610 µs, 2.4 ms, 8.0 s, 4 min 12 s, 6 h 20 min, 12 d 4 h; exact leaves away a second part that is 0 */
export function duration(ms: Maybe): string {
  if (ms === null || ms === undefined) return DASH;
  if (ms < 0) return '-' + duration(-ms);
  if (ms === 0) return '0';
  if (ms < 0.9995) return (ms < 0.00995 ? Math.max(0.1, Math.round(ms * 10000) / 10) : Math.round(ms * 1000)) + GAP + 'µs';
  if (ms < 9.95) return ms.toFixed(1) + GAP + 'ms';
  if (ms < 999.5) return Math.round(ms) + GAP + 'ms';
  const seconds = ms / 1000;
  if (seconds < 9.95) return seconds.toFixed(1) + GAP + 's';
  if (seconds < 59.5) return Math.round(seconds) + GAP + 's';
  const two = (big: number, unit: string, small: number, part: string) => big + GAP + unit + (small ? GAP + small + GAP + part : '');
  const whole = Math.round(seconds);
  if (whole < 3600) return two(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return two(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h');
}
export function micros(us: Maybe): string {
  return duration(us === null || us === undefined ? us : us / 1000);
}

/* The inbox: 21 s, 4 min, 3 h, 2 d */
export function age(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  return s < 60 ? Math.floor(s) + GAP + 's' : s < 3600 ? Math.floor(s / 60) + GAP + 'min' : s < 172800 ? Math.floor(s / 3600) + GAP + 'h' : Math.floor(s / 86400) + GAP + 'd';
}
export const nowMs = now;
export function ago(at_ms: Maybe): string {
  if (at_ms === null || at_ms === undefined) return DASH;
  const gone = now() - at_ms;
  return gone < 1000 ? 'just now' : age(gone) + ' ago';
}

const pad = (n: number, width = 2) => String(n).padStart(width, '0');
function fields(at_ms: number) {
  const d = new Date(at_ms);
  return prefs.get().zone === 'utc'
    ? { day: `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())}`, h: d.getUTCHours(), m: d.getUTCMinutes(), s: d.getUTCSeconds(), ms: d.getUTCMilliseconds() }
    : { day: `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`, h: d.getHours(), m: d.getMinutes(), s: d.getSeconds(), ms: d.getMilliseconds() };
}

export function clock(at_ms: number, withMs = true): string {
  const f = fields(at_ms);
  return `${pad(f.h)}:${pad(f.m)}:${pad(f.s)}${withMs ? '.' + pad(f.ms, 3) : ''}`;
}
export function fullTime(at_ms: number, withMs = false): string {
  return `${fields(at_ms).day} ${clock(at_ms, withMs)}`;
}
/* 14:31:07 today, with its date otherwise */
export function time(at_ms: Maybe, withMs = false): string {
  if (at_ms === null || at_ms === undefined) return DASH;
  return fields(at_ms).day === fields(now()).day ? clock(at_ms, withMs) : fullTime(at_ms, withMs);
}

/* UTC+2 or UTC, as it is at that moment */
export function zoneName(at_ms = now()): string {
  if (prefs.get().zone === 'utc') return 'UTC';
  const minutes = -new Date(at_ms).getTimezoneOffset(), size = Math.abs(minutes);
  return minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '-' : '+'}${Math.floor(size / 60)}${size % 60 ? ':' + pad(size % 60) : ''}`;
}

/* The time typed into a field: 14:20, 14:20:05, 2026-10-06 14:20, or ISO with its own zone. null when it is none. */
export function parseTime(text: string): number | null {
  const typed = text.trim();
  const parts = /^(?:(\d{4})-(\d\d)-(\d\d)(?:[T ]|$))?(?:(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?)?(Z|[+-]\d\d:?\d\d)?$/.exec(typed);
  if (!parts || typed === '' || (parts[1] === undefined && parts[4] === undefined)) return null;
  const [, y, mo, d, h = '0', mi = '0', s = '0', ms = '0', zone] = parts;
  if (+h > 23 || +mi > 59 || +s > 59) return null;
  const day = y === undefined ? fields(now()).day.split('-').map(Number) : [+y, +mo!, +d!];
  const rest = [+h, +mi, +s, +ms.padEnd(3, '0')] as const;
  if (zone !== undefined || prefs.get().zone === 'utc') {
    const utc = Date.UTC(day[0]!, day[1]! - 1, day[2]!, ...rest);
    if (zone === undefined || zone === 'Z') return utc;
    return utc - (zone[0] === '-' ? -1 : 1) * (+zone.slice(1, 3) * 60 + +zone.slice(-2)) * 60000;
  }
  return new Date(day[0]!, day[1]! - 1, day[2]!, ...rest).getTime();
}

export function percent(share: Maybe): string {
  if (share === null || share === undefined) return DASH;
  const p = share * 100;
  return (p > 0 && p < 0.1 ? '< 0.1' : p < 10 ? String(Math.round(p * 10) / 10) : String(Math.round(p))) + GAP + '%';
}

export function plural(n: number, one: string, many = one + 's'): string {
  return `${int(n)} ${n === 1 ? one : many}`;
}

/* Retention in words: 7 d, 90 d, for ever */
export function kept(kept_ms: Maybe, policy: string): string {
  if (policy.includes('compact') && !policy.includes('delete')) return 'compact';
  return kept_ms === null || kept_ms === undefined || kept_ms < 0 ? 'for ever' : duration(kept_ms);
}

/* "2A/91F3C0E8" as a number of bytes; LSNs are 64 bits, so as BigInt */
export function lsnBytes(lsn: string | null | undefined): bigint | null {
  const parts = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(lsn ?? '');
  return parts ? (BigInt('0x' + parts[1]) << 32n) + BigInt('0x' + parts[2]) : null;
}
/* Bytes between two positions; 0 when what is ahead was looked at earlier and has been overtaken */
export function lsnGap(ahead: string | null | undefined, behind: string | null | undefined): number | null {
  const a = lsnBytes(ahead), b = lsnBytes(behind);
  return a === null || b === null ? null : a > b ? Number(a - b) : 0;
}


/* Control and bidi characters of a message show as what they are; line feeds and tabs stay. */
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
export function visible(text: string): string {
  return text.replace(HIDDEN, c => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}
