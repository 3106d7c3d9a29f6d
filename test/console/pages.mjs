/* pages.mjs: every page of the demo build, with what must be on it before it is looked at. */
export const PAGES = [
  ['overview', '/', 'text=One problem needs you now'],
  ['overview-empty', '/?demo=empty', 'text=Three steps to the first alert'],
];
