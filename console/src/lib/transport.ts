/* transport.ts: how a request leaves the page. The demo build puts a server of its own in this file's place. */
export const send: typeof fetch = (input, init) => fetch(input, init);
