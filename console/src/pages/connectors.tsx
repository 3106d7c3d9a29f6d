export function Connectors(_: { rest: string[] }) { return <div class="page" />; }
