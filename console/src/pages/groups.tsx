import type { GroupItem } from '../lib/types';
export function GroupTable(_: { items: GroupItem[] }) {
  return null;
}
export function Groups(_: { rest: string[] }) {
  return <div class="page" />;
}
