export function HealthPage(_: { rest: string[] }) { return <div class="page" />; }
