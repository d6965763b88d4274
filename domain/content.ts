import { z } from 'zod';

/** Seconds a push service keeps trying to reach a device that is offline. */
const DEFAULT_TTL_SECONDS = 86_400;

export const Content = z
  .strictObject({
    title: z.string().trim().min(1).max(200),
    body: z.string().trim().min(1).max(2000),
    deepLink: z.url().max(1000).optional(),
    imageUrl: z
      .url({ protocol: /^https$/ })
      .max(1000)
      .optional(),
    sound: z.string().min(1).max(100).optional(),
    badge: z.int().min(0).max(99_999).optional(),
    ttlSeconds: z.int().min(0).max(2_419_200).default(DEFAULT_TTL_SECONDS),
    priority: z.enum(['high', 'normal']).default('high'),
  })
  .meta({ id: 'Content' });

export type Content = z.infer<typeof Content>;
