import fc from 'fast-check';
import type { Client, ClientOptions } from '../client.ts';
import type { ErrorListener } from '../problems.ts';
import { RESPONSES, type World } from './fake-server.ts';

const HOUR = 3_600_000;

/**
 * Steps of two tabs of one device: taps, flushes with faulty responses, crashes, and changes of the clock.
 */
export const Steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('open' as const), tab: fc.nat(1), times: fc.integer({ min: 1, max: 40 }) }),
    fc.record({
      do: fc.constant('flush' as const),
      tab: fc.nat(1),
      responses: fc.array(fc.constantFrom(...RESPONSES)),
    }),
    fc.record({ do: fc.constant('crash' as const), tab: fc.nat(1) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: -HOUR, max: HOUR }) }),
  ),
  { maxLength: 30 },
);
type Steps = typeof Steps extends fc.Arbitrary<infer Value> ? Value : never;

/** Returns the number of reported taps, and of those that the client named as refused before they arrived. */
export async function runWithFaults(
  world: World,
  steps: Steps,
  args: { open: (options: Pick<ClientOptions, 'onError'>) => Client; messageId: (no: number) => string },
): Promise<{ taps: number; refused: () => number }> {
  const named = new Set<string>();
  const onError: ErrorListener = (problem) => {
    if (problem.kind === 'refused') named.add(problem.item.id);
  };
  const open = () => args.open({ onError });
  const tabs = [open(), open()];
  let taps = 0;
  for (const step of steps) {
    if (step.do === 'wait') world.server.now += step.ms;
    else if (step.do === 'crash') tabs[step.tab] = open();
    else if (step.do === 'open') {
      for (let i = 0; i < step.times; i++) await tabs[step.tab]?.opened(args.messageId(taps++));
    } else {
      world.server.responses.splice(0, Number.POSITIVE_INFINITY, ...step.responses);
      const silence = Promise.withResolvers<'silent'>();
      world.server.onSilence = () => silence.resolve('silent');
      const ending = await Promise.race([tabs[step.tab]?.flush(), silence.promise]);
      // A request that is never answered ends with its tab.
      if (ending === 'silent') tabs[step.tab] = open();
    }
  }
  return { taps, refused: () => [...named].filter((id) => !world.server.reached.has(id)).length };
}

/** Ends all faults and sends what is stored. */
export async function recover(world: World, client: Client): Promise<void> {
  world.server.responses.length = 0;
  for (let i = 0; (await client.waiting()) > 0; i++) {
    if (i > 100) throw new Error('the outbox never becomes empty');
    world.server.now += 2 * HOUR;
    await client.flush();
  }
}
