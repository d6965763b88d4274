import type { RunningSimulators } from './simulators/start.ts';
import type { SampleApp } from './stack/sample-app.ts';
import type { Stack } from './stack/stack.ts';

export interface Running {
  readonly apiUrl: string;
  readonly stack: Stack;
  readonly simulators: RunningSimulators;
  readonly app: SampleApp;
}

/** The addresses and keys of all parts, for people. */
export function addressesOf({ apiUrl, stack, simulators, app }: Running): string {
  const keys = Object.entries(app.keys).map(([holder, key]) => `  ${holder.padEnd(13)} ${key}`);
  return `API             ${apiUrl}
API reference   ${apiUrl}/docs
Temporal UI     ${stack.temporalUiUrl}
Temporal CLI    ${stack.temporalCli} --address ${stack.temporalAddress}
Postgres        ${stack.databaseUrl}
Simulators      ${simulators.controlUrl}
Data and logs   ${stack.dataDir}

The app "${app.name}" (${app.id}) and its keys:
${keys.join('\n')}`;
}
