/* menu.tsx: "More": a button that opens a short list. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useKeys } from '../lib/keys';
import { useBlocked } from './basic';
import { Icon, type IconName } from './icon';

export interface MenuItem {
  text: string;
  run: () => void;
  changes?: boolean;
  danger?: boolean;
}

function List({ items, close }: { items: MenuItem[]; close: () => void }) {
  const box = useRef<HTMLDivElement>(null), blocked = useBlocked();
  useKeys({ Escape: close });
  useEffect(() => {
    box.current?.querySelector<HTMLElement>('[role=menuitem]:not([disabled])')?.focus();
    const outside = (event: Event) => {
      if (!box.current?.parentElement?.contains(event.target as Node)) close();
    };
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, []);
  const step = (by: number) => {
    const all = [...box.current!.querySelectorAll<HTMLElement>('[role=menuitem]:not([disabled])')];
    all[(all.indexOf(document.activeElement as HTMLElement) + by + all.length) % all.length]?.focus();
  };
  return (
    <div
      class="menu"
      role="menu"
      ref={box}
      onKeyDown={event => {
        if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
        event.preventDefault();
        step(event.key === 'ArrowDown' ? 1 : -1);
      }}
    >
      {items.map(item => (
        <button
          key={item.text}
          type="button"
          role="menuitem"
          class={item.danger ? 'is-crit' : ''}
          disabled={item.changes === true && blocked !== null}
          title={item.changes && blocked ? blocked : undefined}
          onClick={() => {
            close();
            item.run();
          }}
        >
          {item.text}
        </button>
      ))}
    </div>
  );
}

export function Menu({ items, title, icon = 'more', small }: { items: MenuItem[]; title: string; icon?: IconName; small?: boolean }) {
  const [shown, show] = useState(false), button = useRef<HTMLButtonElement>(null);
  return (
    <span class="menu-at">
      <button ref={button} type="button" class={'btn quiet' + (small ? ' small' : '')} title={title} aria-label={title} aria-haspopup="menu" aria-expanded={shown} onClick={() => show(!shown)}>
        <Icon name={icon} />
      </button>
      {shown ? (
        <List
          items={items}
          close={() => {
            show(false);
            button.current?.focus();
          }}
        />
      ) : null}
    </span>
  );
}
