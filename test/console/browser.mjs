/* browser.mjs: the system's Chromium, and a page that notes every error, warning and breach of its policy; and how to reach things by Tab. */
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

/* By keyboard only: Tab until what has the focus says this, and shows that it has it. */
export const tabbing = page => async (what, keys = 'Tab') => {
  const seen = [];
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press(keys);
    const at = await page.evaluate(() => {
      const e = document.activeElement, s = getComputedStyle(e);
      return { text: (e.getAttribute('aria-label') ?? e.title ?? '').trim() + ' ' + (e.labels?.[0]?.textContent ?? e.textContent ?? '').trim().slice(0, 60), ring: s.boxShadow !== 'none' || s.outlineStyle !== 'none' };
    });
    if (what.test(at.text)) {
      if (!at.ring) throw new Error(`${at.text} shows no focus`);
      return;
    }
    seen.push(at.text);
  }
  throw new Error(`no ${what} by ${keys}: ${seen.slice(-12).join(' | ')}`);
};
