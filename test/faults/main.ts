import { readOptions } from './options.ts';
import { runFaults } from './run.ts';

const { line, broken } = await runFaults(readOptions(process.argv.slice(2)));
for (const fault of broken) process.stderr.write(`BROKEN  ${fault}\n`);
process.stdout.write(`${JSON.stringify(line)}\n`);
process.exitCode = broken.length === 0 ? 0 : 1;
