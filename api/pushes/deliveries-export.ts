import {
  type DeviceDelivery,
  type Ledger,
  lastDelivery,
  listDeliveries,
} from '../../db/ledger/deliveries.ts';
import type { PushSummary } from '../../db/tasks/task-history.ts';
import type { DeliveryFilter } from '../../domain/pushes/delivery-filter.ts';
import type { Cell } from '../csv/csv-export.ts';
import type { ApiDeps } from '../http/deps.ts';
import { createLimiter } from '../http/limit-concurrency.ts';
import { gone } from './push-lookup.ts';
import { hasDeliveries } from './push-view.ts';

const PAGE = 2_000;
/** Delivery numbers per statement, so that no statement takes long even when the filter matches few. */
const SPAN = 50_000;
/**
 * Statements of all exports of this process share a limit, so that the database has capacity for the rest.
 */
const limit = createLimiter(2);

const COLUMNS = {
  deliveryNo: (row) => row.deliveryNo,
  device_id: (row) => row.deviceId,
  platform: (row) => row.platform,
  channel: (row) => row.channel,
  variant: (row) => row.variant,
  result: (row) => row.result,
  reason: (row) => row.reason,
  blocked: (row) => row.blocked,
  taps: (row) => row.taps,
  settled_at: (row) => row.settledAt,
  delivered_at: (row) => row.deliveredAt,
  impression_at: (row) => row.impressionAt,
  open_at: (row) => row.openAt,
  dismissed_at: (row) => row.dismissedAt,
} as const satisfies Record<string, (row: DeviceDelivery) => Cell>;

export const DELIVERY_COLUMNS: readonly string[] = ['batch_id', ...Object.keys(COLUMNS)];

/** Pages in the order of the delivery numbers. The export breaks off when the deliveries expire meanwhile. */
export async function* deliveryPages(
  deps: ApiDeps,
  push: PushSummary,
  { ledger, filter, span = SPAN }: { ledger: Ledger | undefined; filter: DeliveryFilter; span?: number },
): AsyncGenerator<Cell[][]> {
  if (ledger === undefined) return;
  const last = await lastDelivery(deps.db, ledger);
  for (let after = 0; after < last; ) {
    if (!hasDeliveries(push, await deps.clock())) throw gone();
    const page = { after, upTo: after + span, limit: PAGE };
    const rows = await limit(() => listDeliveries(deps.db, { ...ledger, filter, ...page }));
    yield rows.map((row) => [push.id, ...Object.values(COLUMNS).map((cell) => cell(row))]);
    after = rows.length < PAGE ? page.upTo : (rows.at(-1)?.deliveryNo ?? page.upTo);
  }
}
