import { runCommand } from './cli/commands.ts';
import { readCliConfig } from './config.ts';

const { exitCode, text } = await runCommand(readCliConfig(), process.argv.slice(2));
(exitCode === 0 ? process.stdout : process.stderr).write(text);
process.exitCode = exitCode;
