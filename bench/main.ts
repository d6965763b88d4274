import { fanout } from './fanout.ts';
import { importing } from './import.ts';
import { lateness } from './lateness.ts';
import { type BenchOptions, readOptions } from './lib/options.ts';
import { type Figures, say, table } from './lib/report.ts';
import { pause } from './pause.ts';
import { receipts } from './receipts.ts';
import { segment } from './segment.ts';
import { stats } from './stats.ts';
import { tasks } from './tasks.ts';
import { triggers } from './triggers.ts';

const BENCHMARKS: Readonly<Record<string, (options: BenchOptions) => Promise<Figures>>> = {
  fanout,
  pause,
  lateness,
  import: importing,
  receipts,
  stats,
  segment,
  tasks,
  triggers,
};

const { name = '', options } = readOptions(process.argv.slice(2));
const benchmark = BENCHMARKS[name];
if (benchmark === undefined) {
  say(
    `Name a benchmark: npm run bench --  ${Object.keys(BENCHMARKS).join('|')} [--json] [--devices 100000] …`,
  );
  process.exitCode = 2;
} else {
  const startedAt = performance.now();
  const figures = await benchmark(options);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  say(`\n${name}, ${seconds} s\n${table(figures)}`);
  if (options.json) process.stdout.write(`${JSON.stringify({ bench: name, ...figures })}\n`);
}
