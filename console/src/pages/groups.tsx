export function Groups(_: { rest: string[] }) { return <div class="page" />; }
