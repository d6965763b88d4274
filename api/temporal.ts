import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';

/** About two seconds: who waits for an answer hears 503 instead, and may ask again. */
const ATTEMPTS = 5;

/** Connects at the first call, so that the API also starts while Temporal is down. */
export function openTemporal(options: { address: string; namespace?: string }): Client {
  const { address, namespace } = options;
  const retry = makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ maxAttempts: ATTEMPTS }));
  const connection = Connection.lazy({ address, interceptors: [retry] });
  return new Client({ connection, ...(namespace === undefined ? {} : { namespace }) });
}
