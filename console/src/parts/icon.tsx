/* icon.tsx: icons of 16 x 16, one stroke of 1.5 */
const SHAPES = {
  overview: 'M2 8h3l2-5 3 10 2-5h2',
  topics: 'M3 4h10M3 8h10M3 12h6',
  groups: 'M5.5 7.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM1.8 13c.3-2 1.8-3.2 3.7-3.2S8.9 11 9.2 13M11 7.5a1.7 1.7 0 1 0-.6-3.3M11 9.8c1.7 0 2.9 1.1 3.2 3',
  connectors: 'M6 2v3M10 2v3M4 5h8v3a4 4 0 0 1-8 0V5ZM8 12v2',
  agents: 'M8 2v2M4 4h8a1.5 1.5 0 0 1 1.5 1.5V11A1.5 1.5 0 0 1 12 12.5H4A1.5 1.5 0 0 1 2.5 11V5.5A1.5 1.5 0 0 1 4 4ZM6 7.5v1M10 7.5v1',
  alerts: 'M8 2.5c-2.3 0-3.7 1.7-3.7 3.9 0 3-1.3 3.8-1.3 4.6h10c0-.8-1.3-1.6-1.3-4.6 0-2.2-1.4-3.9-3.7-3.9ZM6.7 13.3a1.4 1.4 0 0 0 2.6 0',
  reports: 'M2.5 13.5h11M4.5 11V8M8 11V3.5M11.5 11V6',
  trace: 'M3 3h4M5 6.3h5M7 9.7h3M9 13h4',
  health: 'M8 13.5S2.5 10.5 2.5 6.3A2.9 2.9 0 0 1 8 5a2.9 2.9 0 0 1 5.5 1.3c0 4.2-5.5 7.2-5.5 7.2Z',
  settings: 'M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6M10 3v3M6 10v3',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.5 10.5 14 14',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  moon: 'M13.5 9.7A5.8 5.8 0 0 1 6.3 2.5a5.8 5.8 0 1 0 7.2 7.2Z',
  x: 'M4 4l8 8M12 4l-8 8',
  copy: 'M5.5 5.5h7v8h-7zM10.5 5.5v-3h-7v8h2',
  link: 'M6.7 9.3a2.7 2.7 0 0 0 3.8 0l2.2-2.2a2.7 2.7 0 0 0-3.8-3.8l-.7.7M9.3 6.7a2.7 2.7 0 0 0-3.8 0L3.3 8.9a2.7 2.7 0 0 0 3.8 3.8l.7-.7',
  play: 'M5 3.5v9l7-4.5z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  stop: 'M4 4h8v8H4z',
  restart: 'M13 8a5 5 0 1 1-1.5-3.6M13 2.5v2.7h-2.7',
  plus: 'M8 3v10M3 8h10',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  right: 'M6 3.5 10.5 8 6 12.5',
  down: 'M3.5 6 8 10.5 12.5 6',
  up: 'M3.5 10 8 5.5 12.5 10',
  check: 'M3 8.5 6.5 12 13 4.5',
  db: 'M8 6c2.8 0 5-.9 5-2s-2.2-2-5-2-5 .9-5 2 2.2 2 5 2ZM3 4v8c0 1.1 2.2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.2 2 5 2s5-.9 5-2',
  log: 'M2.5 3h11v3h-11zM2.5 6h11v4h-11zM2.5 10h11v3h-11z',
  hook: 'M8 2.5v6M5 11a3 3 0 1 0 3-2.5M11 4.5 8 2.5 5 4.5',
  out: 'M9 2.5h4.5V7M13.5 2.5 7.5 8.5M11.5 9v4.5h-9v-9H7',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  flag: 'M4 14V2.5h8l-2 3 2 3H4',
  mute: 'M2 2l12 12M5 5c-.5 2.6-.2 4-1.6 6h7.6M6.5 3c2.6-1.3 5.2.5 5.2 3.4 0 .8.1 1.4.2 1.9',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 5v3l2 2',
  filter: 'M2.5 3.5h11L9.5 8.5v4l-3 1v-5z',
  trash: 'M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.5 9h6l.5-9',
  download: 'M8 2.5v7M5 7l3 3 3-3M3 13.5h10',
  save: 'M4 2.5h8v11l-4-3-4 3z'
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon({ name, class: extra }: { name: IconName; class?: string }) {
  return (
    <svg class={'ico' + (extra ? ' ' + extra : '')} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={SHAPES[name]} fill="none" stroke="currentColor" stroke-width={name === 'more' ? 2.2 : 1.5} stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
