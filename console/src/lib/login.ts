/* login.ts: a token becomes a cookie that scripts cannot read. */
import { change, get, loginNeeded, me } from './api';
import { setClock } from './clock';
import type { Me } from './types';

export async function login(token: string): Promise<void> {
  await change('POST', '/login', { token });
  loginNeeded.set(false);
  const who = await get<Me>('/me');
  setClock(who.now_ms);
  me.set(who);
}
