import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

const DOWNLOAD_SITE = 'https://temporal.download';
const PROBE_TIMEOUT_MS = 3_000;
const DOWNLOAD_TIMEOUT_MS = 120_000;

/** The path at which the Temporal SDK of this version keeps its downloaded server. */
export function sdkCacheFile(prefix: string): string {
  const manifest = createRequire(import.meta.url).resolve('@temporalio/testing/package.json');
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8')));
  return join(tmpdir(), `${prefix}-sdk-typescript-${version}`);
}

/**
 * Lets the SDK download its server in a process of its own, because the download cannot be cancelled
 * otherwise.
 */
export async function downloadWithSdk(method: 'createLocal' | 'createTimeSkipping', prefix: string) {
  await fetch(DOWNLOAD_SITE, { method: 'HEAD', signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) }).catch(
    (cause) => {
      throw new Error(`${DOWNLOAD_SITE} cannot be reached`, { cause });
    },
  );
  const testing = JSON.stringify(createRequire(import.meta.url).resolve('@temporalio/testing'));
  const script = `const { default: testing } = await import(${testing});
    const environment = await testing.TestWorkflowEnvironment.${method}();
    await environment.teardown();`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    timeout: DOWNLOAD_TIMEOUT_MS,
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  });
  const file = sdkCacheFile(prefix);
  if (!existsSync(file)) throw new Error(`the SDK did not leave ${file}`);
  return file;
}
