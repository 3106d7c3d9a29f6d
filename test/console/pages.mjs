/* pages.mjs: every page of the demo build, with what must be on it before it is looked at. */
export const PAGES = [
  ['overview', '/', 'text=One problem needs you now'],
  ['overview-empty', '/?demo=empty', 'text=Three steps to the first alert'],
  ['topics', '/topics', 'text=customers.orders.dlq'],
  ['topics-many', '/topics?demo=many', 'text=tenant-0003'],
  ['topics-empty', '/topics?demo=empty', 'text=No topics yet'],
  ['messages', '/topics/fraud-detection.public.transactions?filter=amount+%3E+3000+or+op+!%3D+insert&p=1&o=32100571', 'text=Its way'],
  ['message-json', '/topics/fraud-detection.public.transactions?p=1&o=32100571', 'text=Its way', async p => { await p.click('.drawer >> text=Message'); await p.waitForSelector('.j-key'); }],
  ['message-large', '/topics/activity.streaming?p=0&o=2051028', 'text=JVBERi0xLjcK'],
  ['messages-none', '/topics/fraud-detection.public.transactions?filter=amount+%3E+90000', 'text=Nothing in the newest'],
  ['topic-partitions', '/topics/customers.orders/partitions', 'text=Share of the bytes'],
  ['topic-configuration', '/topics/customers.orders/configuration', 'text=retention.ms'],
  ['topic-schema', '/topics/fraud-detection.public.transactions/schema', 'text=Version 3'],
];
