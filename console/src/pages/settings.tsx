export function Settings(_: { rest: string[] }) { return <div class="page" />; }
