/* browser.mjs: the system's Chromium, and a page that notes every error, warning and breach of its policy. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

export const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const haveBrowser = () => existsSync(EXECUTABLE);
export const WIDE = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

export function launch() {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage']
  });
}

export async function openPage(browser, { size = WIDE, dark = false, still = true } = {}) {
  const context = await browser.newContext({ viewport: size, colorScheme: dark ? 'dark' : 'light', reducedMotion: still ? 'reduce' : 'no-preference', timezoneId: 'Europe/Berlin', locale: 'en-US', hasTouch: size === PHONE, permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  const faults = [];
  page.on('console', m => ['error', 'warning'].includes(m.type()) && faults.push(`${m.type()}: ${m.text()} ${m.location().url}`.trim()));
  page.on('pageerror', e => faults.push(`error: ${e.message}`));
  await page.addInitScript(() => addEventListener('securitypolicyviolation', e => console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`)));
  return { page, faults, close: () => context.close() };
}
