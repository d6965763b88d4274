import { z } from 'zod';
import { PLATFORMS } from '../../domain/platform.ts';
import { DEVICE_RESULTS, DeliveryFilter } from '../../domain/pushes/delivery-filter.ts';
import { BomQuery } from '../csv/csv-export.ts';
import { IsoDate, Page, PageQuery } from '../http/schemas.ts';

/** `z.coerce.boolean` would read "false" as true. */
const Flag = z.enum(['true', 'false']).transform((text) => text === 'true');

const filter = {
  ...DeliveryFilter.shape,
  delivered: Flag.optional(),
  blocked: Flag.optional(),
  impression: Flag.optional(),
  open: Flag.optional(),
  dismissal: Flag.optional(),
};
export const DeliveryExportQuery = z.strictObject({ ...filter, ...BomQuery });
export const DeliveryQuery = PageQuery.extend({
  ...filter,
  /** Also counts the matching devices, which reads all devices of the push. */
  count: Flag.default(false),
});

const Delivery = z
  .object({
    /** The device's number within the push. */
    deliveryNo: z.int(),
    deviceId: z.string(),
    platform: z.enum(PLATFORMS).nullable(),
    channel: z.string().nullable(),
    variant: z.string().nullable(),
    result: z.enum(DEVICE_RESULTS),
    reason: z.string().nullable(),
    blocked: z.boolean(),
    taps: z.int(),
    settledAt: IsoDate.nullable(),
    deliveredAt: IsoDate.nullable(),
    impressionAt: IsoDate.nullable(),
    openAt: IsoDate.nullable(),
    /** Always null on iOS, which does not report dismissals. */
    dismissedAt: IsoDate.nullable(),
  })
  .meta({ id: 'Delivery' });

export const DeliveryPage = Page(Delivery).extend({
  /** The number of devices that match the filter. Null unless `count` asked for it. */
  total: z.int().nullable(),
});
