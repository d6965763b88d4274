import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { findVariants, type Ledger } from '../../db/ledger/deliveries.ts';
import { findPushSummary, type PushSummary } from '../../db/tasks/task-history.ts';
import { PUSH_ID } from '../../domain/ids.ts';
import { appIdOf } from '../access/auth.ts';
import type { ApiDeps } from '../http/deps.ts';
import { type Fault, notFound, Problem } from '../http/problem.ts';
import type { IdParams } from '../http/schemas.ts';
import { hasDeliveries } from './push-view.ts';

export async function pushOf(
  deps: ApiDeps,
  request: FastifyRequest & { params: z.infer<typeof IdParams> },
): Promise<PushSummary> {
  const pushId = request.params.id;
  const args = { appId: appIdOf(request), pushId };
  const push = PUSH_ID.test(pushId) ? await findPushSummary(deps.db, args) : undefined;
  if (push === undefined) throw notFound('push');
  return push;
}

/**
 * The partition of the push's deliveries. Undefined while none exist yet. Throws 410 when the deliveries were
 * deleted, and 400 for a variant that the push does not have.
 */
export async function ledgerOf(
  deps: ApiDeps,
  push: PushSummary,
  { variant, place }: { variant: string | undefined; place: Omit<Fault, 'detail'> },
): Promise<Ledger | undefined> {
  if (!hasDeliveries(push, await deps.clock())) throw gone();
  const variants = await findVariants(deps.db, push);
  if (variant !== undefined && !variants.includes(variant)) {
    const errors = [{ ...place, detail: `must be one of ${variants.join(', ')}` }];
    throw new Problem('invalid_request', 'The push has no such variant', { errors });
  }
  return push.partitionStart === null
    ? undefined
    : { pushNo: push.no, partitionStart: push.partitionStart, variants };
}

export function gone(): Problem {
  return new Problem(
    'gone',
    'Deliveries are deleted at the end of the receipt window. The statistics remain',
  );
}
