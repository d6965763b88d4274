import { z } from 'zod';

const APPLE_ID = /^[A-Z0-9]{10}$/;

/** The `.p8` key of an Apple developer account, and the app that it sends to. */
export const ApnsCredential = z
  .strictObject({
    teamId: z.string().regex(APPLE_ID, 'must be the 10 characters of the Apple developer team'),
    keyId: z.string().regex(APPLE_ID, 'must be the 10 characters of the APNs key'),
    privateKey: z.string().max(10_000),
    topic: z.string().regex(/^[A-Za-z0-9.-]{1,155}$/, 'must be a bundle ID such as com.example.app'),
  })
  .meta({ id: 'ApnsCredential' });
export type ApnsCredential = z.infer<typeof ApnsCredential>;

/** What FCM needs of a Google service account's JSON file; the file's other fields are left out. */
export const FcmCredential = z
  .object({
    project_id: z.string().regex(/^[a-z0-9.:-]{1,100}$/, 'must be the Firebase project ID'),
    client_email: z.email().max(320),
    private_key: z.string().max(10_000),
    private_key_id: z.string().min(1).max(200).optional(),
  })
  .meta({ id: 'FcmCredential' });
export type FcmCredential = z.infer<typeof FcmCredential>;
