export function Reports(_: { rest: string[] }) { return <div class="page" />; }
