import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COMMAND_NAMES, type CommandName, parseCommand } from './commands.ts';

describe('parsing commands', () => {
  test('never throws for any payload', () => {
    fc.assert(
      fc.property(fc.constantFrom<CommandName>(...COMMAND_NAMES), fc.anything(), (name, payload) => {
        const parsed = parseCommand(name, payload);
        if (!parsed.ok) expect(parsed.reason).not.toBe('');
      }),
    );
  });

  test.each([
    undefined,
    null,
    [],
    'approve',
    7,
    {},
    { by: 'me' },
    { by: 'person-d000000000', extra: 1 },
  ])('%j is refused', (payload) => {
    expect(parseCommand('pause', payload)).toMatchObject({ ok: false });
  });
});
