import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';

/** An APNs token-based credential, as Apple's developer account gives it out. */
export const ApnsCredential = z.object({
  teamId: z.string().regex(/^[A-Z0-9]{10}$/, 'must be the 10 characters of the Apple developer team'),
  keyId: z.string().regex(/^[A-Z0-9]{10}$/, 'must be the 10 characters of the APNs key'),
  privateKey: z
    .string()
    .refine(
      (pem) => keyKind(pem) === 'ec prime256v1',
      'must be the PEM text of the .p8 file: a PKCS #8 private key on curve P-256',
    ),
  /** The app's bundle ID. */
  topic: z.string().regex(/^[A-Za-z0-9.-]{1,155}$/, 'must be a bundle ID such as com.example.app'),
});

export type ApnsCredential = z.infer<typeof ApnsCredential>;

/** What FCM needs of a Google service account's JSON file. */
export const FcmCredential = z.object({
  project_id: z.string().regex(/^[a-z0-9.:-]{1,100}$/, 'must be the Firebase project ID'),
  client_email: z.email(),
  private_key: z
    .string()
    .refine((pem) => keyKind(pem) === 'rsa', 'must be the PEM text of a PKCS #8 RSA private key'),
  private_key_id: z.string().min(1).max(200).optional(),
});

export type FcmCredential = z.infer<typeof FcmCredential>;

function keyKind(pem: string): string | undefined {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ec') return `ec ${key.asymmetricKeyDetails?.namedCurve}`;
    return key.asymmetricKeyType;
  } catch {
    return undefined;
  }
}
