import { type Outcome, runCommand, USAGE } from './cli/commands.ts';
import { readCliConfig } from './config.ts';

async function run(): Promise<Outcome> {
  try {
    return await runCommand(readCliConfig(), process.argv.slice(2));
  } catch (error) {
    return { exitCode: 2, text: `${error instanceof Error ? error.message : error}\n\n${USAGE}` };
  }
}

const { exitCode, text } = await run();
(exitCode === 0 ? process.stdout : process.stderr).write(text);
process.exitCode = exitCode;
