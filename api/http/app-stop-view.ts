import { z } from 'zod';
import { IsoDate } from './schemas.ts';

/** The emergency stop in force: when it began, who set it and why. */
export const AppStop = z
  .object({ at: IsoDate, by: z.object({ id: z.string(), name: z.string() }), reason: z.string() })
  .meta({ id: 'AppStop' });
