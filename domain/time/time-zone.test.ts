import { expect, test } from 'vitest';
import { canonicalTimeZone, timeZoneFault } from './time-zone.ts';
import { ABBREVIATIONS, RENAMED } from './time-zone-names.ts';

test.each([
  ['EUROPE/BERLIN', 'Europe/Berlin'],
  ['asia/tokyo', 'Asia/Tokyo'],
  [' Europe/Berlin ', 'Europe/Berlin'],
  ['Asia/Calcutta', 'Asia/Kolkata'],
  ['asia/kolkata', 'Asia/Kolkata'],
  ['Europe/Kiev', 'Europe/Kyiv'],
  ['Asia/Saigon', 'Asia/Ho_Chi_Minh'],
  ['US/Pacific', 'America/Los_Angeles'],
  ['PRC', 'Asia/Shanghai'],
  ['Asia/Chongqing', 'Asia/Shanghai'],
  ['Singapore', 'Asia/Singapore'],
  ['Europe/Amsterdam', 'Europe/Amsterdam'],
  ['EST5EDT', 'America/New_York'],
  ['utc', 'UTC'],
  ['Etc/UTC', 'UTC'],
  ['GMT', 'UTC'],
  ['Etc/GMT-8', 'Etc/GMT-8'],
  ['etc/gmt+3', 'Etc/GMT+3'],
  ['GMT+08:00', 'Etc/GMT-8'],
  ['GMT+8', 'Etc/GMT-8'],
  ['UTC+8', 'Etc/GMT-8'],
  ['utc-03:00', 'Etc/GMT+3'],
  ['GMT-00:00', 'UTC'],
  ['UTC+14', 'Etc/GMT-14'],
])('%s is %s', (text, zone) => {
  expect(canonicalTimeZone(text)).toBe(zone);
  expect(canonicalTimeZone(zone)).toBe(zone);
  expect(timeZoneFault(text)).toBeUndefined();
});

test.each([
  ['CST', 'CST is used for several time zones: write America/Chicago or Asia/Shanghai'],
  ['ist', 'ist is used for several time zones: write Asia/Kolkata, Asia/Jerusalem or Europe/Dublin'],
  ['EST', 'EST is used for several time zones: write America/New_York or America/Panama'],
  ['CTT', 'CTT is an abbreviation: write Asia/Shanghai'],
  ['PDT', 'PDT is an abbreviation: write America/Los_Angeles'],
  ['Berlin', 'must be an IANA time zone: write Europe/Berlin'],
  ['Europe/New York', 'must be an IANA time zone: write America/New_York'],
  ['UTC+05:30', 'must be the name of a time zone, for example Asia/Kolkata, or whole hours, as in UTC+8'],
  ['UTC-13', 'must be the name of a time zone, for example Asia/Kolkata, or whole hours, as in UTC+8'],
  ['+08:00', 'must be the name of a time zone, for example Asia/Kolkata, or whole hours, as in UTC+8'],
  ['Etc/Unknown', 'must be an IANA time zone, for example Europe/Berlin'],
  ['SystemV/PST8', 'must be an IANA time zone, for example Europe/Berlin'],
  ['', 'must be an IANA time zone, for example Europe/Berlin'],
  ['posix/Europe/Paris2', 'must be an IANA time zone, for example Europe/Berlin'],
  ['constructor', 'must be an IANA time zone, for example Europe/Berlin'],
  ['A'.repeat(10_000), 'must be an IANA time zone, for example Europe/Berlin'],
])('%s is not a zone, and the fault says what to write', (text, fault) => {
  expect(canonicalTimeZone(text)).toBeUndefined();
  expect(timeZoneFault(text)).toBe(fault);
});

test('every zone in any case has one canonical name, which keeps its clock', () => {
  const at = [Date.UTC(2027, 0, 15), Date.UTC(2027, 6, 15)];
  const clock = (zone: string) => at.map((time) => new Date(time).toLocaleString('en', { timeZone: zone }));
  for (const name of [...Intl.supportedValuesOf('timeZone'), ...Object.values(RENAMED)]) {
    const zone = canonicalTimeZone(name);
    if (zone === undefined) throw new Error(`${name} is not accepted`);
    expect(canonicalTimeZone(name.toUpperCase())).toBe(zone);
    expect(canonicalTimeZone(zone)).toBe(zone);
    expect(clock(zone)).toEqual(clock(name));
  }
});

test('every suggestion is a canonical name', () => {
  for (const zone of Object.values(ABBREVIATIONS).flat()) expect(canonicalTimeZone(zone)).toBe(zone);
});
