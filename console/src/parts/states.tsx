/* states.tsx: what a page or panel shows when it has nothing, not yet, or not any more. */
import type { ComponentChildren } from 'preact';
import type { Answer } from '../lib/hooks';
import { useStore } from '../lib/store';
import { link } from '../lib/stream';
import type { ErrorBody } from '../lib/types';
import { Actions } from './actions';
import { Button, CopyButton } from './basic';
import { Icon, type IconName } from './icon';
import { Mark } from './status';

export function Bones({ rows = 5 }: { rows?: number }) {
  return (
    <div class="bones" aria-hidden="true">
      {Array.from({ length: rows }, (_, i) => (
        <i key={i} class={i === 0 ? 'third' : i === rows - 1 ? 'most' : ''} />
      ))}
    </div>
  );
}

/* What, why, what to do; the button repeats the call. */
export function Failure({ error, again }: { error: ErrorBody; again?: (() => unknown) | undefined }) {
  return (
    <article class="problem is-crit" role="alert">
      <Mark state="crit" />
      <div class="problem-body">
        <h2>{error.what}</h2>
        {error.why ? <p>{error.why}</p> : null}
        {error.todo ? (
          <p class="todo">
            <b>Do: </b>
            {error.todo}
          </p>
        ) : null}
        {error.request ? <p class="hint">Request {error.request}</p> : null}
      </div>
      <div class="problem-actions">
        <Actions actions={error.actions} />
        {again ? <Button onClick={async () => again()}>Try again</Button> : null}
      </div>
    </article>
  );
}

export function Empty({ icon, title, children, actions, command, small, page }: { icon: IconName; title: string; children: ComponentChildren; actions?: ComponentChildren; command?: string; small?: boolean; page?: boolean }) {
  return (
    <div class={'empty' + (small ? ' small' : '')}>
      <Icon name={icon} />
      {page ? <h1>{title}</h1> : <h2>{title}</h2>}
      <p>{children}</p>
      {actions ? <div class="row">{actions}</div> : null}
      {command ? (
        <p class="command">
          <code>{command}</code>
          <CopyButton text={command} title="Copy the command" />
        </p>
      ) : null}
    </div>
  );
}

/* What does not exist, or not any more, and the way back. */
export const missing = (error: ErrorBody | null) => error !== null && error.code.startsWith('UNKNOWN_');
function Gone({ error, back }: { error: ErrorBody; back: Back }) {
  return (
    <section class="panel">
      <Empty
        page
        icon="search"
        title={error.what}
        actions={
          <Button kind="primary" href={back[0]}>
            {back[1]}
          </Button>
        }
      >
        {error.why} {error.todo}
      </Empty>
    </section>
  );
}
type Back = [href: string, text: string];

/* An answer in its states: bones, error with the old content below, content. */
export function Shown<T>({ answer, children, rows, panel, back }: { answer: Answer<T>; children: (data: T) => ComponentChildren; rows?: number; panel?: boolean; back?: Back }) {
  const { data, error } = answer, isSaid = useStore(link).state === 'down' && error?.code === 'UNREACHABLE' && data !== null; /* by the strip */
  if (back && error && missing(error)) return <Gone error={error} back={back} />;
  if (data === null && error === null) return answer.slow ? panel ? <section class="panel"><Bones rows={rows ?? 5} /></section> : <Bones rows={rows ?? 5} /> : null;
  return (
    <>
      {error && !isSaid ? <Failure error={error} again={answer.reload} /> : null}
      {data !== null ? children(data) : null}
    </>
  );
}
