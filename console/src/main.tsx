/* main.tsx: starts the page: who is looking, the frame, and the page that the address names. */
import { render, type ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { asError, get, isKnown, loginNeeded, me } from './lib/api';
import { setClock } from './lib/clock';
import { useKeys } from './lib/keys';
import { login } from './lib/login';
import { applyTheme } from './lib/prefs';
import { go, route } from './lib/router';
import { useWatch } from './lib/stream';
import { useStore } from './lib/store';
import type { Me, Overview as OverviewData, ErrorBody } from './lib/types';
import { Layers } from './parts/dialog';
import { openFind } from './parts/find';
import { focusMain, Frame, overview, useCrumbs } from './parts/frame';
import { openKeys } from './parts/keys-list';
import { Bones, Empty, Failure } from './parts/states';
import { Toasts } from './parts/toast';
import { Button } from './parts/basic';
import { Login, LoginAgain } from './pages/login';
import { Overview } from './pages/overview';

type Page = ComponentType<{ rest: string[] }>;

/* Pages load with their first visit; Overview is there from the start, and the login, which a page that is left open may need from a program that was replaced. */
const PAGES: Record<string, () => Promise<Page>> = {
  topics: () => import('./pages/topics').then(m => m.Topics),
  groups: () => import('./pages/groups').then(m => m.Groups),
  connectors: () => import('./pages/connectors').then(m => m.Connectors),
  agents: () => import('./pages/agents').then(m => m.Agents),
  alerts: () => import('./pages/alerts').then(m => m.Alerts),
  reports: () => import('./pages/reports').then(m => m.Reports),
  trace: () => import('./pages/trace').then(m => m.TracePage),
  health: () => import('./pages/health').then(m => m.HealthPage),
  settings: () => import('./pages/settings').then(m => m.Settings)
};
if (DEMO) PAGES.states = () => import('./demo/states').then(m => m.States);
const loaded = new Map<string, Page>([['', Overview as Page], ['login', Login]]);

function Missing() {
  useCrumbs([['Not here']]);
  return (
    <div class="page">
      <Empty page icon="search" title="There is no page at this address" actions={<Button href="/">Back to the overview</Button>}>
        The link may be old, or a letter of it is missing.
      </Empty>
    </div>
  );
}

function Routed() {
  const { parts, path } = useStore(route), key = parts[0] ?? '';
  const [, again] = useState(0), [failed, setFailed] = useState<ErrorBody | null>(null), [slow, setSlow] = useState(false);
  const load = PAGES[key], Page = loaded.get(key);
  useEffect(() => {
    setFailed(null);
    if (Page || !load) return;
    let alive = true;
    const late = setTimeout(() => alive && setSlow(true), 150);
    load().then(
      page => {
        loaded.set(key, page);
        if (alive) again(n => n + 1);
      },
      error => alive && setFailed({ ...asError(error), what: 'This page could not be loaded.', todo: 'Tailrace may have been updated meanwhile: reload.' })
    ).finally(() => {
      clearTimeout(late);
      if (alive) setSlow(false);
    });
    return () => void (alive = false);
  }, [key]);
  useEffect(() => {
    document.body.className = 'page-' + (key || 'overview');
    scrollTo(0, 0);
  }, [path]);
  if (Page) return <Page rest={parts.slice(1)} key={key} />;
  if (!load) return <Missing />;
  return <div class="page">{failed ? <Failure error={failed} again={() => location.reload()} /> : slow ? <Bones /> : null}</div>;
}

function App() {
  const r = useStore(route), login = useStore(loginNeeded);
  useKeys({
    'Ctrl K': openFind,
    '?': openKeys
  });
  useWatch('overview', 'overview', (data: OverviewData) => overview.set(data));
  useEffect(() => {
    void get<OverviewData>('/overview').then(
      data => overview.set(data),
      () => undefined
    );
  }, []);
  useEffect(() => {
    if (login && !isKnown() && r.parts[0] !== 'login') go('/login?back=' + encodeURIComponent(location.pathname + location.search), { replace: true });
  }, [login, r]);
  if (r.parts[0] === 'login') return <Routed />;
  return (
    <Frame>
      <Routed />
    </Frame>
  );
}

/* A token in the fragment reaches neither the server nor its log: it is posted and cleared. */
async function tokenFromAddress(): Promise<void> {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (!token) return;
  history.replaceState(null, '', location.pathname + location.search);
  const known = await login(decodeURIComponent(token)).then(
    () => true,
    () => false
  );
  /* What was asked for beforehand was answered without it: once more, as somebody. */
  if (!known) return;
  location.reload();
  await new Promise(() => undefined);
}

async function start(): Promise<void> {
  applyTheme();
  await tokenFromAddress();
  void get<Me>('/me').then(
    who => {
      setClock(who.now_ms);
      me.set(who);
    },
    () => undefined
  );
  const root = document.getElementById('app')!;
  root.replaceChildren();
  render(<App />, root);
  render(
    <>
      <Layers />
      <LoginAgain />
      <Toasts />
    </>,
    document.getElementById('layer')!
  );
  document.querySelector('.skip')!.addEventListener('click', event => {
    event.preventDefault();
    focusMain();
  });
}
void start();
