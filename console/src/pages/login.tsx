export function Login(_: { rest: string[] }) { return <div class="page" />; }
