/* login.tsx: a token, when one is required. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { asError, isKnown, loginNeeded } from '../lib/api';
import { login } from '../lib/login';
import { go, route } from '../lib/router';
import { useStore } from '../lib/store';
import type { ErrorBody } from '../lib/types';
import { Button } from '../parts/basic';
import { ErrorLine, useTrap } from '../parts/dialog';
import { Logo } from '../parts/frame';

function Form({ title, text, then }: { title: ComponentChildren; text: string; then?: () => void }) {
  const [token, setToken] = useState(''), [error, setError] = useState<ErrorBody | null>(null), [busy, setBusy] = useState(false);
  const enter = async () => {
    setBusy(true);
    setError(null);
    try {
      await login(token);
      then?.();
    } catch (e) {
      setError(asError(e));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="panel pad login-form"
      onSubmit={event => {
        event.preventDefault();
        void enter();
      }}
    >
      {title}
      <p>{text}</p>
      <label class="form-row">
        <span class="lab">Token</span>
        <input type="password" autocomplete="current-password" autofocus data-first value={token} onInput={e => setToken(e.currentTarget.value)} />
      </label>
      {error ? <ErrorLine error={error} /> : null}
      <Button kind="primary" type="submit" disabled={!token || busy}>
        {busy ? 'Logging in…' : 'Log in'}
      </Button>
    </form>
  );
}

export function Login(_: { rest: string[] }) {
  const back = useStore(route).query.get('back');
  return (
    <main class="login" id="main" tabIndex={-1}>
      <Form
        title={
          <h1>
            <Logo /> Tailrace
          </h1>
        }
        text="This console listens beyond its own machine, so it asks for a token. It was printed once, at the first start. If it is lost, remove the file console.token from the data directory: the next start prints another."
        /* Only a path of this console; what starts with two slashes would be another host. */
        then={() => go(back && /^\/(?![/\\])/.test(back) ? back : '/', { replace: true })}
      />
    </main>
  );
}

/* Over the page, which stays as it is: what was typed and what was being sent wait for it. */
export function LoginAgain() {
  const needed = useStore(loginNeeded), { parts } = useStore(route);
  return needed && isKnown() && parts[0] !== 'login' ? <Again /> : null;
}
function Again() {
  const box = useTrap(() => undefined);
  return (
    <div class="back" role="dialog" aria-modal="true" aria-label="Log in again" ref={box} tabIndex={-1}>
      <Form title={<h2>Log in again</h2>} text="The login has ended: it does after 12 hours without use, and when Tailrace restarts. The page stays as it is and goes on afterwards." />
    </div>
  );
}
