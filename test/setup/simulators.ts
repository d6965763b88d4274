import { afterAll, beforeAll } from 'vitest';
import type { SimulatorConfigInput } from '../../dev/simulators/config.ts';
import { type RunningSimulators, startSimulators } from '../../dev/simulators/start.ts';
import { fixture } from './fixture.ts';

/** For the top of a test file: `startSimulators` while its tests run. */
export function useSimulators(config: SimulatorConfigInput): RunningSimulators {
  const simulators = fixture(beforeAll, () => startSimulators(config));
  afterAll(() => simulators.stop());
  return simulators;
}
