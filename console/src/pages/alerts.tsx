export function Alerts(_: { rest: string[] }) { return <div class="page" />; }
