export function TracePage(_: { rest: string[] }) { return <div class="page" />; }
