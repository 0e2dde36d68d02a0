/** The Chromium that tests of pages use: the one of this machine, nothing is fetched. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].map(
  (name) => `/usr/bin/${name}`,
);
const executablePath = process.env.CHROMIUM_PATH ?? PLACES.find(existsSync);

/** Without one the tests of pages are skipped, and that is said; in CI there has to be one. */
export const hasBrowser = executablePath !== undefined;
if (!hasBrowser) {
  const told = 'No Chromium found: set CHROMIUM_PATH to test the pages in a browser.';
  if (process.env.CI) throw new Error(told);
  console.log(`SKIPPED: ${told}`);
}

/** Asks nobody for anything by itself. */
export function launchBrowser(): Promise<Browser> {
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  return chromium.launch({ executablePath, args });
}
