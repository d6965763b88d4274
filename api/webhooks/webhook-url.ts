import { refusalOfUrl } from '../../domain/webhooks/webhook.ts';
import { createFindTarget } from '../../security/outbound-targets.ts';
import type { ApiDeps } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';

export type UrlCheck = (text: string) => Promise<void>;

/** Each attempt checks the address again, because a name can resolve to another address by then. */
export function createUrlCheck({ config }: ApiDeps): UrlCheck {
  const findTarget = createFindTarget(config.webhookRanges ?? []);
  return async (text) => {
    const refusal = refusalOfUrl(text);
    const target =
      refusal === undefined ? await findTarget(new URL(text)) : { ok: false as const, reason: refusal };
    if (target.ok) return;
    const errors = [{ pointer: '/url', detail: target.reason }];
    throw new Problem('invalid_request', 'A webhook cannot have this URL', { errors });
  };
}
