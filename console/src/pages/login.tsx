/* login.tsx: a token, when one is required. */
import { useState } from 'preact/hooks';
import { asError } from '../lib/api';
import { login } from '../lib/login';
import { go, route } from '../lib/router';
import { useStore } from '../lib/store';
import type { ErrorBody } from '../lib/types';
import { Button } from '../parts/basic';
import { ErrorLine } from '../parts/dialog';
import { Logo } from '../parts/frame';

export function Login(_: { rest: string[] }) {
  const { query: q } = useStore(route), [token, setToken] = useState(''), [error, setError] = useState<ErrorBody | null>(null), [busy, setBusy] = useState(false);
  const back = q.get('back');
  const enter = async () => {
    setBusy(true);
    setError(null);
    try {
      await login(token);
      /* Only a path of this console; what starts with two slashes would be another host. */
      go(back && /^\/(?![/\\])/.test(back) ? back : '/', { replace: true });
    } catch (e) {
      setError(asError(e));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="login" id="main" tabIndex={-1}>
      <form
        class="panel pad"
        onSubmit={event => {
          event.preventDefault();
          void enter();
        }}
      >
        <h1>
          <Logo /> Tailrace
        </h1>
        <p>This console listens beyond its own machine, so it asks for a token. It was printed once, at the first start. If it is lost, remove the file console.token from the data directory: the next start prints another.</p>
        <label class="form-row">
          <span class="lab">Token</span>
          <input type="password" autocomplete="current-password" autofocus value={token} onInput={e => setToken(e.currentTarget.value)} />
        </label>
        {error ? <ErrorLine error={error} /> : null}
        <Button kind="primary" type="submit" disabled={!token || busy}>
          {busy ? 'Logging in…' : 'Log in'}
        </Button>
      </form>
    </main>
  );
}
