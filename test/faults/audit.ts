import { readStatistics, recountStatistics } from '../../db/statistics/statistics.ts';
import { DELIVERY_STATUSES, type DeliveryStatus } from '../../domain/pushes/delivery.ts';
import { reconcile, type Statistics } from '../../domain/pushes/metrics.ts';
import { type AcknowledgedReceipts, SAID } from './receipts.ts';
import type { Scene } from './scene.ts';
import type { PushTraffic, Traffic } from './traffic.ts';

/** A delivery whose outcome nobody knows. */
export interface Ambiguous {
  readonly pushNo: number;
  readonly deliveryNo: number;
  readonly reason: string;
  readonly settledAtMs: number;
  readonly leaseNo: number | undefined;
  /** The push service read the message whole, in this attempt or an earlier one. */
  readonly wasSeen: boolean;
  /** The push service saw the message and only ever refused it. The sender may not have read the answer. */
  readonly wasRefused: boolean;
}

export interface Audit {
  readonly deliveries: number;
  /** Texts that name the delivery and its fault. */
  readonly forgotten: string[];
  readonly contradictions: string[];
  readonly ambiguous: Ambiguous[];
  readonly receiptsLost: string[];
  readonly receiptsInvented: string[];
  readonly unreconciled: string[];
}

interface Row {
  readonly deliveryNo: number;
  readonly status: number;
  readonly reason: string | null;
  readonly settled_at: Date | null;
  readonly delivered_at: Date | null;
  readonly impression_at: Date | null;
  readonly open_at: Date | null;
  readonly dismissed_at: Date | null;
  readonly blocked: boolean;
  readonly taps: number;
}

interface Push {
  readonly no: number;
  readonly id: string;
  readonly partitionStart: Date | null;
}

/** Compares the requests at the push services, and the receipts acknowledged to devices, with the ledger. */
export async function audit(
  scene: Scene,
  traffic: Traffic,
  receipts: AcknowledgedReceipts,
  devices: number,
): Promise<Audit> {
  const result: Audit = {
    deliveries: 0,
    forgotten: [],
    contradictions: [],
    ambiguous: [],
    receiptsLost: [],
    receiptsInvented: [],
    unreconciled: [],
  };
  const pushes = await scene.db
    .selectFrom('pushes')
    .select(['no', 'id', 'partition_start as partitionStart'])
    .orderBy('no')
    .execute();
  let deliveries = 0;
  for (const push of pushes) {
    const rows = await rowsOf(scene, push);
    deliveries += rows.length;
    if (rows.length !== devices)
      result.forgotten.push(`push ${push.id} has ${rows.length} rows for ${devices} devices`);
    const leaseOf = await leasesOf(scene, push);
    for (const row of rows) {
      const at = `push ${push.id} delivery ${row.deliveryNo} lease ${leaseOf(row.deliveryNo)}`;
      judgeDelivery(result, push, row, traffic.of(push.no), at, leaseOf(row.deliveryNo));
      judgeReceipts(result, row, receipts.of(push.no), at);
    }
    result.unreconciled.push(...(await differences(scene, push)));
  }
  return { ...result, deliveries };
}

async function rowsOf({ db }: Scene, push: Push): Promise<Row[]> {
  if (push.partitionStart === null) return [];
  return await db
    .selectFrom('deliveries')
    .select([
      'delivery_no as deliveryNo',
      'status',
      'reason',
      'settled_at',
      'delivered_at',
      'impression_at',
      'open_at',
    ])
    .select(['dismissed_at', 'blocked', 'taps'])
    .where('partition_start', '=', push.partitionStart)
    .where('push_no', '=', push.no)
    .execute();
}

async function leasesOf({ db }: Scene, push: Push): Promise<(deliveryNo: number) => number | undefined> {
  const leases = await db
    .selectFrom('leases')
    .select(['lease_no', 'first_no', 'last_no'])
    .where('push_no', '=', push.no)
    .execute();
  return (deliveryNo) =>
    leases.find(({ first_no, last_no }) => first_no <= deliveryNo && deliveryNo <= last_no)?.lease_no;
}

function judgeDelivery(
  result: Audit,
  push: Push,
  row: Row,
  { processed, swallowed, refused }: PushTraffic,
  at: string,
  leaseNo: number | undefined,
): void {
  const wasProcessed = (processed[row.deliveryNo] ?? 0) > 0;
  const wasRefused = (refused[row.deliveryNo] ?? 0) > 0;
  const wasSwallowed = (swallowed[row.deliveryNo] ?? 0) > 0;
  const status: DeliveryStatus | undefined = DELIVERY_STATUSES[row.status];
  switch (status) {
    case 'pending':
    case 'retry':
      result.forgotten.push(`${at} is ${status}${wasProcessed ? ', though it was processed' : ''}`);
      break;
    case 'accepted':
      if (!wasProcessed) result.forgotten.push(`${at} is accepted and was never processed`);
      break;
    case 'rejected':
      if (wasProcessed) result.contradictions.push(`${at} is rejected (${row.reason}) and was processed`);
      if (row.reason === null || !wasRefused)
        result.contradictions.push(`${at} is rejected (${row.reason}) and was never refused`);
      break;
    case 'ambiguous':
      result.ambiguous.push({
        pushNo: push.no,
        deliveryNo: row.deliveryNo,
        reason: row.reason ?? '',
        settledAtMs: row.settled_at?.getTime() ?? 0,
        leaseNo,
        wasSeen: wasProcessed || wasSwallowed || wasRefused,
        wasRefused: wasRefused && !wasProcessed && !wasSwallowed,
      });
      break;
    default:
      if (wasProcessed) result.contradictions.push(`${at} is ${status} (${row.reason}) and was processed`);
      if (status === 'not_sent')
        result.forgotten.push(`${at} was not sent (${row.reason}), which no cancel caused`);
  }
}

function judgeReceipts(
  result: Audit,
  row: Row,
  { said, taps }: { readonly said: Uint8Array; readonly taps: Uint8Array },
  at: string,
): void {
  const told = said[row.deliveryNo] ?? 0;
  const tapped = taps[row.deliveryNo] ?? 0;
  const counted =
    (row.delivered_at === null ? 0 : SAID.delivered) |
    (row.impression_at === null ? 0 : SAID.impression) |
    (row.open_at === null ? 0 : SAID.open) |
    (row.dismissed_at === null ? 0 : SAID.dismissal) |
    (row.blocked ? SAID.blocked : 0);
  if ((told & ~counted) !== 0 || tapped > row.taps)
    result.receiptsLost.push(`${at}: told ${told} and ${tapped} taps, counted ${counted} and ${row.taps}`);
  else if (counted !== told || row.taps !== tapped)
    result.receiptsInvented.push(
      `${at}: told ${told} and ${tapped} taps, counted ${counted} and ${row.taps}`,
    );
}

/** The live counters against the rows, and the sums against each other. */
async function differences({ db }: Scene, push: Push): Promise<string[]> {
  const live = await readStatistics(db, { pushNo: push.no, now: new Date() });
  if (live === undefined || push.partitionStart === null) return [`push ${push.id} has no statistics`];
  const recounted = await recountStatistics(db, { pushNo: push.no, partitionStart: push.partitionStart });
  const names = Object.keys(recounted) as (keyof Statistics)[];
  const unequal = names
    .filter((name) => sorted(live.statistics[name]) !== sorted(recounted[name]))
    .map((name) => `${name}: counters ${sorted(live.statistics[name])}, rows ${sorted(recounted[name])}`);
  return [...unequal, ...reconcile(live.statistics)].map((text) => `push ${push.id}: ${text}`);
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
