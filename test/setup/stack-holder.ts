import { startStack } from '../../dev/stack/stack.ts';

// Started by stack.e2e.test.ts as a process that can be killed while it holds a stack.
const stack = await startStack({ keep: false, ui: false });
process.stdout.write(
  `${JSON.stringify({ dataDir: stack.dataDir, pids: [stack.postgres.pid, stack.temporal.pid] })}\n`,
);
setInterval(() => undefined, 60_000);
