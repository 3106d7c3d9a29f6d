export function States() {
  return <div class="page" />;
}
