/* login.ts: a token becomes a cookie that scripts cannot read. */
import { change, get, loginNeeded, me } from './api';
import { setClock } from './clock';
import type { Me } from './types';

export async function login(token: string): Promise<void> {
  await change('POST', '/login', { token });
  const who = await get<Me>('/me');
  setClock(who.now_ms);
  me.set(who);
  loginNeeded.set(false); /* last: what waited for it is asked now, by who this is */
}
