/* frame.tsx: navigation, top bar and the strips that every page shares. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { change, me } from '../lib/api';
import { second, serverTime } from '../lib/clock';
import * as f from '../lib/format';
import { prefs, setPrefs, themeNow, themeShown } from '../lib/prefs';
import { route } from '../lib/router';
import { connectNow, goodbye, link, starting, updated } from '../lib/stream';
import { createStore, useStore } from '../lib/store';
import type { Overview, State } from '../lib/types';
import { Button } from './basic';
import { openFind } from './find';
import { Icon, type IconName } from './icon';
import { Mark } from './status';

export const overview = createStore<Overview | null>(null);

type Place = [key: string, name: string, href: string, icon: IconName];
const NAV: [string, Place[]][] = [
  ['', [['overview', 'Overview', '/', 'overview']]],
  ['Data', [['topics', 'Topics', '/topics', 'topics'], ['groups', 'Groups', '/groups', 'groups']]],
  ['Capture', [['connectors', 'Connectors', '/connectors', 'connectors']]],
  ['Results', [['agents', 'Agents', '/agents', 'agents'], ['alerts', 'Alerts', '/alerts', 'alerts'], ['reports', 'Reports', '/reports', 'reports']]],
  ['Look closer', [['trace', 'Trace', '/trace', 'trace'], ['health', 'Health', '/health', 'health'], ['settings', 'Settings', '/settings', 'settings']]]
];
const SHORT = ['overview', 'topics', 'connectors', 'alerts'];

/* Which entry a problem belongs to */
const PLACE_OF: Record<string, string> = { slot: 'connectors', connector: 'connectors', group: 'groups', topic: 'topics', partition: 'topics', agent: 'agents', sink: 'alerts', report: 'reports' };

function stateOf(key: string, o: Overview | null): State | null {
  if (!o) return null;
  if (key === 'overview') return o.verdict.severity === 'crit' || o.verdict.severity === 'warn' ? o.verdict.severity : null;
  const mine = o.problems.filter(p => PLACE_OF[p.subject.kind] === key || (key === 'health' && !(p.subject.kind in PLACE_OF)));
  return mine.some(p => p.severity === 'crit') ? 'crit' : mine.some(p => p.severity === 'warn') ? 'warn' : null;
}
function countOf(key: string, o: Overview | null): number | undefined {
  const counts = o?.counts as Record<string, number> | undefined;
  if (!counts) return undefined;
  return counts[key === 'alerts' ? 'alerts_open' : key];
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path d="M2 5.5c3 0 3.5 2 6 2s3-2 6-2 3 1 4 1" />
      <path d="M2 10c3 0 3.5 2 6 2s3-2 6-2 3 1 4 1" />
      <path d="M2 14.5c3 0 3.5 2 6 2s3-2 6-2 3 1 4 1" />
    </svg>
  );
}

function Live() {
  useStore(second);
  const l = useStore(link);
  const words = l.state === 'live' ? 'Live' : l.state === 'down' ? 'Not connected' : 'Connecting';
  return (
    <span class={'live is-' + l.state} title={l.state === 'live' ? `Updates arrive over one stream; the last one ${f.duration(Math.max(0, Date.now() - l.heard_ms))} ago` : words}>
      <Mark state={l.state === 'live' ? 'ok' : l.state === 'down' ? 'warn' : 'busy'} />
      <span>{words}</span>
    </span>
  );
}

function ThemeButton() {
  const dark = useStore(themeShown) === 'dark';
  return <Button kind="quiet" icon={dark ? 'sun' : 'moon'} title="Switch between light and dark" onClick={() => setPrefs({ theme: themeNow() === 'dark' ? 'light' : 'dark' })} />;
}

function Foot() {
  useStore(second);
  const who = useStore(me), memory = useStore(overview)?.vitals.memory_bytes;
  useStore(prefs);
  if (!who) return <div class="nav-foot" />;
  return (
    <div class="nav-foot">
      {DEMO ? <span class="tag">Demo, made-up data</span> : null}
      <span>Times in {f.zoneName()}</span>
      {who.login !== 'none' ? (
        <button
          type="button"
          class="link"
          onClick={() =>
            void change('POST', '/logout').then(
              () => location.assign('/login'),
              () => location.assign('/login')
            )
          }
        >
          Log out
        </button>
      ) : null}
      <span class="num">
        {who.version} · up {f.nowMs() - who.started_ms < 60000 ? 'less than a minute' : f.duration(Math.floor((f.nowMs() - who.started_ms) / 60000) * 60000)}
        {memory ? ` · ${f.bytes(memory)}` : ''}
      </span>
    </div>
  );
}

function Strips() {
  useStore(second);
  const l = useStore(link), who = useStore(me), recovery = useStore(starting), old = useStore(updated), bye = useStore(goodbye);
  const strips: ComponentChildren[] = [];
  if (l.state === 'down') {
    const next = l.next_ms === null ? 0 : Math.ceil((l.next_ms - Date.now()) / 1000);
    strips.push(
      <div class="strip is-warn" role="status" key="down">
        <Mark state="warn" />
        <p>
          <b>No connection to Tailrace for {f.age(Date.now() - l.heard_ms)}.</b> {bye ? `It said: ${bye}. ` : ''}What you see is from {f.clock(serverTime(l.heard_ms), false)}. {next > 0 ? `Next try in ${next}${f.GAP}s.` : 'Trying now.'}
        </p>
        <Button kind="small" onClick={connectNow}>
          Try now
        </Button>
      </div>
    );
  }
  if (recovery)
    strips.push(
      <div class="strip is-info" role="status" key="starting">
        <Mark state="busy" />
        <p>
          <b>Tailrace is starting.</b> {recovery.step}
          {recovery.share !== null ? `, ${f.percent(recovery.share)}` : ''}. Pages fill as their data arrives.
        </p>
      </div>
    );
  if (who?.access === 'read')
    strips.push(
      <div class="strip is-info" key="read">
        <Mark state="info" />
        <p>
          <b>Read only.</b> You may look at everything and change nothing; {who.read_only_why ?? 'console.access in the settings says so.'}
        </p>
      </div>
    );
  if (old)
    strips.push(
      <div class="strip is-info" key="old">
        <Mark state="info" />
        <p>
          <b>Tailrace was updated.</b> This page is from the version before.
        </p>
        <Button kind="small" onClick={() => location.reload()}>
          Reload
        </Button>
      </div>
    );
  return strips.length ? <div class="strips">{strips}</div> : null;
}

/* The crumbs of the page; the last one also names the document. */
export const crumbs = createStore<[string, string?][]>([['Overview']]);
export function useCrumbs(list: [string, string?][]): void {
  useEffect(() => {
    crumbs.set(list);
    document.title = `${list[list.length - 1]![0]} · Tailrace`;
  }, [list.map(c => c.join()).join('|')]);
}

function Crumbs() {
  const list = useStore(crumbs);
  return (
    <nav class="crumbs" aria-label="Where you are">
      {list.map(([name, href], i) => [
        i ? <Icon name="right" key={'i' + i} /> : null,
        href ? (
          <a href={href} key={name}>
            {name}
          </a>
        ) : (
          <span aria-current="page" key={name}>
            {name}
          </span>
        )
      ])}
    </nav>
  );
}

function focusMain(): void {
  document.getElementById('main')?.focus();
}

export function Frame({ children }: { children: ComponentChildren }) {
  const r = useStore(route), o = useStore(overview), who = useStore(me), down = useStore(link).state === 'down';
  const [menu, setMenu] = useState(false);
  const key = r.parts[0] ?? 'overview';
  useEffect(() => setMenu(false), [r.path]);
  return (
    <div class={'frame' + (menu ? ' nav-open' : '') + (down ? ' is-down' : '')}>
      <nav class="nav" aria-label="Main" id="nav">
        <a class="brand" href="/">
          <Logo />
          <span>Tailrace</span>
          <small>{who?.host}</small>
        </a>
        <div class="nav-scroll">
          {NAV.map(([title, places]) => (
            <div class="nav-group" key={title}>
              {title ? <h2>{title}</h2> : null}
              {places.map(([place, name, href, icon]) => {
                const state = stateOf(place, o), count = countOf(place, o);
                return (
                  <a class="nav-link" href={href} key={place} aria-current={place === key ? 'page' : undefined}>
                    <Icon name={icon} />
                    <span>{name}</span>
                    {state ? (
                      <span class="nav-state">
                        <Mark state={state} />
                        <span class="sr">{state === 'crit' ? 'has a problem' : 'has a warning'}</span>
                      </span>
                    ) : null}
                    {count !== undefined ? <span class="nav-count num">{f.si(count)}</span> : null}
                  </a>
                );
              })}
            </div>
          ))}
        </div>
        <Foot />
      </nav>
      <div class="scrim" onClick={() => setMenu(false)} />
      <div class="body">
        <header class="top">
          <Crumbs />
          <button class="find" type="button" onClick={openFind}>
            <Icon name="search" />
            <span>Find a topic, group, key or LSN</span>
            <kbd>Ctrl K</kbd>
          </button>
          <Live />
          <ThemeButton />
        </header>
        <Strips />
        <main id="main" tabIndex={-1}>
          {children}
        </main>
      </div>
      <nav class="tabbar" aria-label="Main, short">
        {NAV.flatMap(([, places]) => places)
          .filter(([place]) => SHORT.includes(place))
          .map(([place, name, href, icon]) => (
            <a href={href} key={place} aria-current={place === key ? 'page' : undefined}>
              <Icon name={icon} />
              <span>{name}</span>
              {stateOf(place, o) ? <Mark state={stateOf(place, o)!} /> : null}
            </a>
          ))}
        <button type="button" aria-expanded={menu} aria-controls="nav" onClick={() => setMenu(!menu)}>
          <Icon name="menu" />
          <span>More</span>
        </button>
      </nav>
    </div>
  );
}
export { focusMain };
