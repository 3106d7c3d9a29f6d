export function Topics(_: { rest: string[] }) { return <div class="page" />; }
