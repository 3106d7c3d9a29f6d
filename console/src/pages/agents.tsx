export function Agents(_: { rest: string[] }) { return <div class="page" />; }
