import carried from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

/**
 * The Chromium that comes with `npm ci`, or the one named in CHROMIUM. The former is a headless shell
 * without notifications.
 */
export async function launchBrowser(): Promise<Browser> {
  const { CHROMIUM: own = '' } = process.env;
  const args = ['--no-sandbox', '--disable-gpu'];
  if (own === '') return await chromium.launch({ executablePath: await carried.executablePath(), args });
  return await chromium.launch({
    executablePath: own,
    args: [...args, '--headless=new'],
    ignoreDefaultArgs: ['--headless'],
  });
}
