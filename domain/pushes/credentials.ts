import { z } from 'zod';

const APPLE_ID = /^[A-Z0-9]{10}$/;

/** The `.p8` key of an Apple developer account, and the app that it sends to. */
export const ApnsCredential = z
  .strictObject({
    teamId: z.string().regex(APPLE_ID, 'must be the 10-character ID of the Apple developer team'),
    keyId: z.string().regex(APPLE_ID, 'must be the 10-character ID of the APNs key'),
    privateKey: z.string().max(10_000),
    topic: z.string().regex(/^[A-Za-z0-9.-]{1,155}$/, 'must be a bundle ID such as com.example.app'),
  })
  .meta({ id: 'ApnsCredential' });
export type ApnsCredential = z.infer<typeof ApnsCredential>;

/** The fields of a Google service account's JSON file that FCM needs. Other fields are left out. */
export const FcmCredential = z
  .object({
    project_id: z.string().regex(/^[a-z0-9.:-]{1,100}$/, 'must be the Firebase project ID'),
    client_email: z.email().max(320),
    private_key: z.string().max(10_000),
    private_key_id: z.string().min(1).max(200).optional(),
  })
  .meta({ id: 'FcmCredential' });
export type FcmCredential = z.infer<typeof FcmCredential>;

/** `createPrivateKey` of node:crypto, which nothing in this folder may import. */
type ReadKey = (pem: string) => {
  readonly asymmetricKeyType?: string | undefined;
  readonly asymmetricKeyDetails?: { readonly namedCurve?: string | undefined } | undefined;
};

/** The credential schema of each channel, including a check of the key. */
export function checkedCredentials(readKey: ReadKey): {
  readonly apns: typeof ApnsCredential;
  readonly fcm: typeof FcmCredential;
} {
  return {
    apns: ApnsCredential.refine(({ privateKey }) => kindOf(readKey, privateKey) === 'ec prime256v1', {
      path: ['privateKey'],
      message: 'must be the PEM text of the .p8 file: a PKCS #8 private key on curve P-256',
      when: ({ value }) => hasText(value, 'privateKey'),
    }),
    fcm: FcmCredential.refine(({ private_key }) => kindOf(readKey, private_key) === 'rsa', {
      path: ['private_key'],
      message: 'must be the PEM text of a PKCS #8 RSA private key',
      when: ({ value }) => hasText(value, 'private_key'),
    }),
  };
}

/** The key is also checked when other fields are wrong, so that one answer names every fault. */
function hasText(value: unknown, field: string): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, field) === 'string';
}

function kindOf(readKey: ReadKey, pem: string): string | undefined {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = readKey(pem);
    const curve = asymmetricKeyDetails?.namedCurve;
    return curve === undefined ? asymmetricKeyType : `${asymmetricKeyType} ${curve}`;
  } catch {
    return undefined;
  }
}
