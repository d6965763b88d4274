import type { Endpoint } from '../push-service.ts';

/** Codes of Node's errors about the certificate of a server. */
const OF_CERTIFICATE = /CERT|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH|UNABLE_TO_VERIFY/;

export function isOfCertificate(fault: unknown): boolean {
  return OF_CERTIFICATE.test(codeOf(fault));
}

/** Why an endpoint cannot be reached, for people. */
export function troubleOf({ url, ca }: Endpoint, fault: unknown): string {
  const code = codeOf(fault);
  const cause = fault instanceof Error ? fault.message || fault.name : 'no connection came about';
  const shown = code === '' || cause.includes(code) ? cause : `${cause} (${code})`;
  if (!isOfCertificate(fault)) return `${url.host} cannot be reached: ${shown}`;
  const remedy = ca === undefined ? 'set PUSH_CA_FILE' : 'check PUSH_CA_FILE';
  return `the certificate of ${url.host} is not trusted: ${shown}; ${remedy} and restart this worker`;
}

function codeOf(fault: unknown): string {
  const code = fault instanceof Error && 'code' in fault ? fault.code : undefined;
  return typeof code === 'string' ? code : '';
}
