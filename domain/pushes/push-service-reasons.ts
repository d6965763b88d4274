/** The meaning of a reason for a marketer or an operator, and the remedy. */
export interface Explanation {
  readonly meaning: string;
  readonly whatToDo: string;
}

const REMOVED = 'Nothing. The token is not used again. The app registers a new token when it is reinstalled.';
const ENVIRONMENT =
  "Compare the credential's environment and app with those of the build on the devices. Check that the app registers its current token.";
const ODD_TOKEN =
  'Nothing for a few devices: others got the same message. Check that the app registers its current token. For many devices, preview the content and check the credential.';
const CREDENTIAL = 'Put a valid credential for the channel, then resume or copy the task.';
const CONTENT = 'Preview the content for such a device, and correct it in a copy of the task.';

/** An answer about one message, which others got. */
const odd = (meaning: string): Explanation => ({ meaning, whatToDo: ODD_TOKEN });
const credential = (meaning: string): Explanation => ({ meaning, whatToDo: CREDENTIAL });
const content = (meaning: string): Explanation => ({ meaning, whatToDo: CONTENT });

/** The codes of push services, as their adapters read them. */
export const PUSH_SERVICE_REASONS: Readonly<Record<string, Explanation>> = {
  Unregistered: { meaning: 'The app was removed from the device.', whatToDo: REMOVED },
  ExpiredToken: { meaning: 'The token has expired.', whatToDo: REMOVED },
  BadDeviceToken: {
    meaning: 'The token is malformed, or belongs to the other environment (sandbox or production).',
    whatToDo: ENVIRONMENT,
  },
  DeviceTokenNotForTopic: {
    meaning: "The token belongs to another app than the credential's bundle ID.",
    whatToDo: ENVIRONMENT,
  },
  UNREGISTERED: {
    meaning: 'The app was removed from the device, or the token was replaced.',
    whatToDo: REMOVED,
  },
  SENDER_ID_MISMATCH: { meaning: 'The token belongs to another Firebase project.', whatToDo: ENVIRONMENT },
  INVALID_REGISTRATION_TOKEN: {
    meaning: 'The token is malformed.',
    whatToDo: 'Check that the app registers the whole token as it received it.',
  },

  INVALID_ARGUMENT: odd('FCM refused the message for this token and did not say which part of it is wrong.'),
  NOT_FOUND: odd('FCM does not know the token, or the Firebase project of the credential.'),
  THIRD_PARTY_AUTH_ERROR: {
    meaning:
      'The token belongs to an iOS app or a browser, and Firebase has no valid key for it. FCM passes such messages on to APNs or a browser.',
    whatToDo:
      "Register iOS devices with platform ios and the token of APNs. Or put a valid APNs key into the Firebase project's settings.",
  },
  BadPath: odd('APNs did not accept the address that the token makes.'),
  Forbidden: odd('APNs does not allow the message for this token.'),

  PayloadTooLarge: content('The message is larger than the push service accepts.'),
  PayloadEmpty: content('APNs found nothing in the message.'),
  BadCollapseId: content('The collapse key is longer than 64 bytes, or has characters that APNs refuses.'),
  BadExpirationDate: content('APNs did not accept the time until which the message is kept.'),
  BadPriority: content('APNs did not accept the priority of the message.'),
  InvalidPushType: content('APNs did not accept the kind of the message.'),

  BadTopic: credential('The bundle ID of the APNs credential is not valid.'),
  MissingTopic: credential('The APNs credential has no bundle ID.'),
  TopicDisallowed: credential("The key of the APNs credential may not send to the credential's bundle ID."),
  InvalidProviderToken: credential('APNs does not accept the key, the key ID or the team of the credential.'),
  ExpiredProviderToken: {
    meaning: 'APNs considers the signature of the sender too old.',
    whatToDo: 'Set the clock of the worker, then resume or copy the task.',
  },
  MissingProviderToken: credential('APNs found no signature of the credential in the request.'),
  BadEnvironmentKeyInToken: credential('The APNs key is for the other environment (sandbox or production).'),
  BadCertificate: credential('APNs does not accept the certificate.'),
  BadCertificateEnvironment: credential('The certificate is for the other environment.'),
  UNAUTHENTICATED: credential('FCM does not accept the service account of the credential.'),
  PERMISSION_DENIED: credential('The service account may not send messages for the Firebase project.'),
  OAuthRefused: credential('Google does not accept the service account of the credential.'),
  'no credential for this channel': credential('The app has no credential for the channel of the device.'),
};

/** An answer without a code, which usually comes from a proxy. */
export function statusReason(reason: string): Explanation | undefined {
  if (!/^HTTP \d{3}$/.test(reason)) return undefined;
  return odd(`The push service, or a proxy before it, answered ${reason} and gave no reason.`);
}
