import { z } from 'zod';
import { IsoDate } from '../http/schemas.ts';

/** An entry of the audit: person, action, revision, channel and origin. */
export const AuditLine = z
  .object({
    /** Increases with each line. */
    no: z.int(),
    at: IsoDate,
    taskId: z.string().nullable(),
    personId: z.string().nullable(),
    personName: z.string().nullable(),
    verb: z.string(),
    /** `api`, `signal` with a code, or `claimed` for a signal that merely gave a name. */
    via: z.string(),
    revision: z.int().nullable(),
    outcome: z.enum(['done', 'ignored']),
    detail: z.string().nullable(),
    remark: z.string().nullable(),
    /** The client's address as trusted proxies report it, or null for a plain signal. */
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
    keyId: z.string().nullable(),
  })
  .meta({ id: 'AuditLine' });
