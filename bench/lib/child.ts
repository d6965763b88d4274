import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

type Reply<T> = { readonly result: T } | { readonly error: string };

/** Runs one function in a process of its own, so that its CPU and memory can be measured. */
export async function callInProcess<Input, Output>(script: URL, input: Input): Promise<Output> {
  const child = fork(fileURLToPath(script), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const reply = await new Promise<Reply<Output>>((resolve) => {
    child.once('message', (message) => resolve(message as Reply<Output>));
    child.once('exit', (code) => resolve({ error: `${script.pathname} ended with code ${code}` }));
    child.send({ input });
  });
  if ('error' in reply) throw new Error(reply.error);
  return reply.result;
}

/** Runs in the child: answers the one call and ends, also when the caller has gone. */
export function answerCall<Input, Output>(work: (input: Input) => Promise<Output>): void {
  const gone = () => process.exit(1);
  process.once('disconnect', gone);
  process.once('message', async (message) => {
    const reply: Reply<Output> = await work((message as { input: Input }).input).then(
      (result) => ({ result }),
      (error: unknown) => ({
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    );
    process.removeListener('disconnect', gone);
    process.send?.(reply, () => process.exit(0));
  });
}
