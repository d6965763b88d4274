import type { LeaseToken, TakenLease } from '../db/leases.ts';
import type { Message } from '../domain/content.ts';
import type { Messages } from '../domain/content-messages.ts';
import type { Channel } from '../domain/platform.ts';
import type { PushService } from '../providers/push-service.ts';
import type { Pacer } from './pacer.ts';
import type { Rejections } from './rejections.ts';
import type { Unwritten } from './unwritten.ts';

export interface LeaseWork {
  readonly token: LeaseToken;
  readonly lease: TakenLease;
  readonly collapseId: string;
  /** Whether what is written and never answered is sent again. */
  readonly resends: boolean;
  /** Of a content that says the same to everybody. */
  readonly message: Message;
  /** Of any other. */
  readonly messages: Messages;
  readonly services: ReadonlyMap<Channel, PushService>;
  readonly pacer: Pacer;
  readonly rejections: Rejections;
  /** Shared by all leases of the process. */
  readonly unwritten: Unwritten;
  /** Whether another lease may wait for its place. */
  readonly isCrowded: () => boolean;
  /** Set once the activity is to stop: paused, cancelled, or the worker shuts down. */
  readonly signal: AbortSignal;
}

export type LeaseEnd =
  | { readonly kind: 'done' | 'stopped' | 'lost' | 'yielded' }
  | { readonly kind: 'refused'; readonly reason: string };
