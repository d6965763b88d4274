/** What a reason means to a marketer or an operator, and what can be done about it. */
export interface Explanation {
  readonly meaning: string;
  readonly whatToDo: string;
}

const NOTHING = 'Nothing: it is what the task asks for.';
const REMOVED =
  'Nothing: the token is not used again, and the app registers a new one when it is installed again.';
const ENVIRONMENT =
  "Compare the credential's environment and app with those of the devices' build; see that the app registers its current token.";

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  unknown_device: {
    meaning: 'The target names a device ID that no device of the app has.',
    whatToDo: 'See that the file holds the IDs under which the app registers its devices.',
  },
  unknown_user: {
    meaning: 'The target names a user ID of whom no device is known.',
    whatToDo: 'Import the user IDs of devices, or have the app bind its users.',
  },
  duplicate_device: {
    meaning: 'Another ID of the target stands for the same device.',
    whatToDo: 'Nothing: the device is sent to once.',
  },
  no_token: {
    meaning:
      'The device is known and has no push token, or one of a kind that nothing sends to yet (no_sender).',
    whatToDo:
      'See that the app asks for permission and registers its token; list the devices with that token state.',
  },
  invalid_token: {
    meaning: 'A push service said that the token is not valid any more, or another device holds it now.',
    whatToDo: 'Nothing: the device comes back when its app registers a new token.',
  },
  unsubscribed: {
    meaning: 'The user switched pushes off in the app.',
    whatToDo: 'Nothing: respect the choice.',
  },
  other_platform: {
    meaning: 'The device is of a platform that the task does not send to.',
    whatToDo: 'Add the platform to the task if those devices are meant, too.',
  },
  excluded: { meaning: 'The device is in an audience that the task excludes.', whatToDo: NOTHING },
  not_last_active: {
    meaning: 'Another device of the same user was active later, and the task sends to that one alone.',
    whatToDo: NOTHING,
  },
  zone_passed: {
    meaning: "The push time had passed in the device's own time zone when the push began.",
    whatToDo: 'Approve earlier, or let the task send to such zones on the next day or at once.',
  },
  missing_variable: {
    meaning: 'The device has no value for a variable of the content that has no default.',
    whatToDo: 'Give the variable a default, or import the attribute.',
  },
  frequency_cap: {
    meaning: "The user has been sent, or is about to be sent, as many messages as the app's caps allow.",
    whatToDo: 'Nothing: that is what caps are for. A task may ignore them, counted or not.',
  },
  channel_quota: {
    meaning: 'A day limit of its channel was used up, by the device or by all devices of the app together.',
    whatToDo: 'Send less often, or raise the limit if the vendor has.',
  },
  quiet_hours: {
    meaning: "It was within the app's quiet hours where the device is.",
    whatToDo:
      "Let quiet hours hold instead of drop, push at each device's own time, or let the task ignore them.",
  },
  template_failed: {
    meaning: "A template of the content did not take the device's values.",
    whatToDo: 'Preview the content for such a device; a number may be a text there.',
  },
  payload_too_large: {
    meaning: "With the device's values the message is larger than the push service takes.",
    whatToDo: "Shorten the texts, or the variables' longest values.",
  },
  cancelled: {
    meaning: 'The push was cancelled before its turn came.',
    whatToDo: 'Copy the task to send to the rest.',
  },
  failed: {
    meaning: 'The push could not go on before its turn came.',
    whatToDo: "See the push's reason; copy the task after the fix.",
  },
  skipped: {
    meaning: 'The push was skipped as a whole.',
    whatToDo: "See the push's reason and the task's late policy.",
  },
  window_closed: {
    meaning: 'The receipt window ended before its turn came: the push was paused or too slow.',
    whatToDo: 'Raise the rate, or resume sooner.',
  },
  unknown_outcome: {
    meaning:
      'The request was written and no answer came. The device may have received the message; a receipt decides it.',
    whatToDo:
      'Nothing for single ones. If they are many, look at the network to the push service and at the senders.',
  },
  Unregistered: { meaning: 'The app was removed from the device.', whatToDo: REMOVED },
  ExpiredToken: { meaning: 'The token has expired.', whatToDo: REMOVED },
  BadDeviceToken: {
    meaning: 'The token is malformed or of the other environment (sandbox, production).',
    whatToDo: ENVIRONMENT,
  },
  DeviceTokenNotForTopic: {
    meaning: 'The token is of another app than the bundle ID of the credential.',
    whatToDo: ENVIRONMENT,
  },
  UNREGISTERED: { meaning: 'The app was removed from the device, or the token replaced.', whatToDo: REMOVED },
  SENDER_ID_MISMATCH: { meaning: 'The token belongs to another Firebase project.', whatToDo: ENVIRONMENT },
  INVALID_REGISTRATION_TOKEN: {
    meaning: 'The token is malformed.',
    whatToDo: 'See that the app registers the token as it got it, uncut.',
  },
};

/** Reasons that a push service names and nobody here knows stand as it said them. */
export function explainReason(reason: string): Explanation {
  return (
    EXPLANATIONS[reason] ?? {
      meaning: reason === '' ? 'No reason was given.' : `The push service said: ${reason}.`,
      whatToDo: "Look the reason up in the push service's documentation.",
    }
  );
}

export const EXPLAINED_REASONS: readonly string[] = Object.keys(EXPLANATIONS);
