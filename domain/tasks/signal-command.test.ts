import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { signalCommand } from './signal-command.ts';

const commandOf = (reason: string) =>
  signalCommand(
    { address: '127.0.0.1:7233', namespace: 'default' },
    { workflowId: 'task-0123456789', name: 'reject', payload: { revision: 1, reason } },
  );

/** Splits at space only: what any shell does with a line that has no character of its own. */
const payloadOf = (command: string): unknown =>
  JSON.parse(Buffer.from(command.split(' ').at(-1) ?? '', 'base64').toString());

test('no shell changes the command, whatever the reason', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (reason) => {
      const command = commandOf(reason);
      // Not one of these is special: for sh, for PowerShell within an argument, or for cmd.
      expect(command).toMatch(/^[A-Za-z0-9 .:+/=-]+$/);
      expect(payloadOf(command)).toEqual({ revision: 1, reason });
    }),
  );
});

test('sh passes the arguments on as they are', () => {
  const command = commandOf(`It's "wrong" 100% $HOME \`id\` \\ 价格 👩‍💻 & | > ^`);
  const script = `temporal() { printf '%s\\n' "$@"; }\n${command}`;
  const seen = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n');
  expect(seen).toEqual(command.split(' ').slice(1));
});
