import { type Explanation, PUSH_SERVICE_REASONS, statusReason } from './push-service-reasons.ts';

const NOTHING = 'Nothing. The task asks for this.';

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  unknown_device: {
    meaning: 'The target names a device ID that no device of the app has.',
    whatToDo: 'Check that the file contains the IDs under which the app registers its devices.',
  },
  unknown_user: {
    meaning: 'The target names a user ID that no device of the app has.',
    whatToDo: 'Import the user IDs of the devices, or let the app bind its users to their devices.',
  },
  duplicate_device: {
    meaning: 'Another ID of the target belongs to the same device.',
    whatToDo: 'Nothing. The device gets the message once.',
  },
  no_token: {
    meaning: 'The device has no push token, or a token of a kind without a sender (state no_sender).',
    whatToDo:
      'Check that the app asks for permission and registers its token. List the devices of that token state to find them.',
  },
  invalid_token: {
    meaning: 'A push service reported that the token is no longer valid, or another device now has it.',
    whatToDo: 'Nothing. The device can be reached again when its app registers a new token.',
  },
  unsubscribed: {
    meaning: 'The user turned pushes off in the app.',
    whatToDo: "Nothing. Respect the user's choice.",
  },
  other_platform: {
    meaning: 'The device has a platform to which the task does not send.',
    whatToDo: 'Add the platform to the task to include those devices.',
  },
  excluded: { meaning: 'The device is in an audience that the task excludes.', whatToDo: NOTHING },
  not_last_active: {
    meaning: 'Another device of the same user was active later, and the task sends only to that device.',
    whatToDo: NOTHING,
  },
  zone_passed: {
    meaning: "The push time had already passed in the device's time zone when the push started.",
    whatToDo: 'Approve earlier, or let the task send to such zones on the next day or immediately.',
  },
  missing_variable: {
    meaning: 'The device has no value for a variable that its text shows.',
    whatToDo:
      'Give the variable a default, import the attribute, or write a text that does without the value.',
  },
  frequency_cap: {
    meaning: "Sent and planned messages for the user already reach the limit of one of the app's caps.",
    whatToDo: 'Nothing, if the cap is right. A task can ignore caps and still count towards them, or not.',
  },
  channel_quota: {
    meaning: 'The device, or all devices of the app together, reached the daily limit of the channel.',
    whatToDo: 'Send less often, or raise the limit if the vendor allows more.',
  },
  quiet_hours: {
    meaning: "The app's quiet hours applied in the device's time zone.",
    whatToDo:
      "Set quiet hours to hold instead of drop, push at each device's local time, or let the task ignore quiet hours.",
  },
  template_failed: {
    meaning: "A template of the content could not be rendered with the device's values.",
    whatToDo: 'Preview the content for such a device. Check for text where the template expects a number.',
  },
  payload_too_large: {
    meaning: "With the device's values, the message is larger than the push service accepts.",
    whatToDo: 'Shorten the texts, or lower the maxLength of the variables.',
  },
  cancelled: {
    meaning: 'The push was cancelled before the message was sent.',
    whatToDo: 'Copy the task to send to the remaining devices.',
  },
  failed: {
    meaning: 'The push failed before the message was sent.',
    whatToDo: "Look up the push's reason, fix the cause, then copy the task.",
  },
  skipped: {
    meaning: 'The push was skipped as a whole.',
    whatToDo: "Look up the push's reason and the task's late policy.",
  },
  window_closed: {
    meaning: 'The receipt window ended before the message was sent. The push was paused or too slow.',
    whatToDo: 'Raise the rate, or resume paused pushes sooner.',
  },
  unknown_outcome: {
    meaning:
      'The request was written and no answer came. The device may have received the message. A receipt would prove it.',
    whatToDo:
      'Nothing for a few devices. For many devices, check the network to the push service and the senders.',
  },
  ...PUSH_SERVICE_REASONS,
};

/** The explanation of a reason. A reason that only the push service knows is quoted. */
export function explainReason(reason: string): Explanation {
  return (
    (Object.hasOwn(EXPLANATIONS, reason) ? EXPLANATIONS[reason] : statusReason(reason)) ?? {
      meaning: reason === '' ? 'No reason was given.' : `The push service answered: ${reason}.`,
      whatToDo: "Look the reason up in the push service's documentation.",
    }
  );
}

export const EXPLAINED_REASONS: readonly string[] = Object.keys(EXPLANATIONS);
