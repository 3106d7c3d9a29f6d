/* keys-list.tsx: "?": the keys. */
import { KEYS } from '../lib/keys';
import { Dialog, openDialog } from './dialog';

export function openKeys(): void {
  openDialog(close => (
    <Dialog title="Keys" close={close}>
      <dl class="facts keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">Single letters can be switched off in Settings.</p>
    </Dialog>
  ));
}
