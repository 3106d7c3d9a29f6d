/* problem.tsx: what is wrong, why, what to do. */
import { change } from '../lib/api';
import { asError } from '../lib/api';
import type { Problem } from '../lib/types';
import { Actions } from './actions';
import { RichText, Since } from './basic';
import { Menu } from './menu';
import { Mark } from './status';
import { say } from './toast';

async function quiet(problem: Problem, minutes: number, words: string): Promise<void> {
  try {
    await change('POST', `/problems/${encodeURIComponent(problem.id)}/quiet`, { minutes });
    say(`Quiet ${words}: ${problem.title}`);
  } catch (error) {
    say(asError(error).what, 'crit');
  }
}

export function ProblemCard({ problem, caused = [] }: { problem: Problem; caused?: Problem[] }) {
  /* What loses rows stays in the verdict. */
  const mayRest = problem.severity !== 'crit' || /^nothing|^$/.test(problem.lost ?? '');
  return (
    <article class={'problem is-' + problem.severity}>
      <Mark state={problem.severity} />
      <div class="problem-body">
        <h2>
          {problem.title}
          <small class="num">
            for <Since at={problem.since_ms} />
          </small>
        </h2>
        <p>
          <RichText parts={problem.why} />
        </p>
        <p class="todo">
          <b>Do: </b>
          {problem.todo}
        </p>
        {problem.lost ? <p class="sr">Lost: {problem.lost}</p> : null}
        {caused.length ? (
          <ul class="caused">
            {caused.map(p => (
              <li key={p.id}>
                <Mark state={p.severity} />
                {p.title}
              </li>
            ))}
          </ul>
        ) : null}
      </div>
      <div class="problem-actions">
        <Actions actions={problem.actions} {...(problem.severity === 'crit' ? { first: 'primary' as const } : {})} />
        {mayRest ? (
          <Menu
            icon="mute"
            title="Quiet this for a while"
            items={[
              { text: 'Quiet for 1 h', changes: true, run: () => void quiet(problem, 60, 'for 1 h') },
              { text: 'Quiet for 8 h', changes: true, run: () => void quiet(problem, 480, 'for 8 h') },
              { text: 'Quiet until it changes', changes: true, run: () => void quiet(problem, 0, 'until it changes') }
            ]}
          />
        ) : null}
      </div>
    </article>
  );
}
