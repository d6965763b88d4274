import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';

/** Retries take about two seconds. After them the caller gets 503 and can repeat the request. */
const ATTEMPTS = 5;

/** Connects at the first call, so that the API can start while Temporal is down. */
export function openTemporal(options: { address: string; namespace?: string }): Client {
  const { address, namespace } = options;
  const retry = makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ maxAttempts: ATTEMPTS }));
  const connection = Connection.lazy({ address, interceptors: [retry] });
  return new Client({ connection, ...(namespace === undefined ? {} : { namespace }) });
}
