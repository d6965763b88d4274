import type { AcquiredLease, LeaseToken } from '../../db/ledger/leases.ts';
import type { Message } from '../../domain/content/content.ts';
import type { Messages } from '../../domain/content/content-messages.ts';
import type { Channel } from '../../domain/platform.ts';
import type { PushService } from '../../providers/push-service.ts';
import type { InFlightBudget } from './in-flight-budget.ts';
import type { Pacer } from './pacer.ts';
import type { Refusals } from './refusals.ts';
import type { Rejections } from './rejections.ts';

export interface LeaseWork {
  readonly token: LeaseToken;
  readonly lease: AcquiredLease;
  readonly collapseId: string;
  /** Whether a request that was written and never answered is sent again. */
  readonly resends: boolean;
  /** The message of a content that is the same for all devices. */
  readonly message: Message;
  /** The messages of any other content. */
  readonly messages: Messages;
  readonly services: ReadonlyMap<Channel, PushService>;
  readonly pacer: Pacer;
  readonly rejections: Rejections;
  readonly refusals: Refusals;
  /** Shared by all leases of the process. */
  readonly budget: InFlightBudget;
  /** Whether another lease may wait for its place. */
  readonly isCrowded: () => boolean;
  /** Set once the activity is to stop: paused, cancelled, or the worker shuts down. */
  readonly signal: AbortSignal;
}

export type LeaseEnd =
  | { readonly kind: 'done' | 'stopped' | 'superseded' | 'yielded' }
  | { readonly kind: 'refused'; readonly reason: string };
