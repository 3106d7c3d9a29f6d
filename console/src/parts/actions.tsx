/* actions.tsx: the buttons that a problem or an error brings with it. */
import { change } from '../lib/api';
import type { Action, Effect } from '../lib/types';
import { Button } from './basic';
import { ask } from './dialog';
import { say } from './toast';
import { asError } from '../lib/api';

/* Does what the action says, after the question that it demands. */
export async function act(action: Action): Promise<void> {
  if (!action.method || !action.path) return;
  const method = action.method, path = action.path, body = (action.body ?? {}) as Record<string, unknown>;
  const verb = action.text.replace(/…$/, '');
  if (!action.confirm || action.confirm === 'none') {
    try {
      await change(method, path, body);
      say(`Done: ${verb}`);
    } catch (error) {
      say(asError(error).what, 'crit');
    }
    return;
  }
  const name = decodeURIComponent(path.split('/').pop() ?? '');
  await ask({
    title: `${verb}?`,
    effect: async () => (await change<Effect>(method, path, { ...body, dry_run: true }))?.effect ?? '',
    ...(action.command ? { command: action.command } : {}),
    ...(action.confirm === 'type' ? { name } : {}),
    button: verb,
    busy: `${verb}…`,
    run: () => change(method, path, action.confirm === 'type' ? { ...body, confirm: name } : body),
    done: `Done: ${verb}`
  });
}

export function Actions({ actions, first }: { actions: Action[]; first?: 'primary' }) {
  return (
    <>
      {actions.slice(0, 2).map((action, i) => (
        <Button key={action.text} {...(i === 0 && first ? { kind: first } : {})} {...(action.open ? { href: action.open } : { changes: true, onClick: () => act(action) })}>
          {action.text}
        </Button>
      ))}
    </>
  );
}
