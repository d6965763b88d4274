import { Problem } from '../http/problem.ts';

/** The limit of one upload. */
export const UPLOAD_BYTES = 1_073_741_824;

export function tooLarge(): Problem {
  return new Problem(
    'payload_too_large',
    `The upload exceeds the limit of ${UPLOAD_BYTES} bytes; split the file`,
  );
}
