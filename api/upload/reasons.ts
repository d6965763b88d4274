/** The reasons for which a row is refused, with words for people. */
export const ROW_REASONS = {
  missing: 'is missing',
  missing_id: 'has neither a device ID nor a user ID',
  both_ids: 'has a device ID and a user ID; give one of them',
  not_text: 'is not text',
  too_long: 'is too long',
  invalid_id: 'must be 1 to 200 characters without spaces or invisible characters',
  all_zeros: 'is all zeros, which devices report when they have no ID',
  rounded_by_spreadsheet:
    'was rounded by a spreadsheet, as in 8.61E+17; format the column as text and export it again',
  unknown_platform: 'must be ios, android or web',
  not_a_push_device: 'is an address of e-mail, SMS or another channel without push',
  unknown_address_kind: 'is not a kind of address',
  not_of_this_platform: 'is a kind of address of another platform',
  invalid_token: 'is not a token of the push service of this platform',
  not_an_id: 'is not an ID of this kind',
  not_a_hash: 'must be md5: with 32 hexadecimal digits or sha256: with 64',
  not_a_list: 'must be a list',
  too_many: 'has too many entries',
  invalid_json: 'is not valid JSON',
  not_an_object: 'is not a JSON object',
  invalid_attributes: 'must be one flat object of text, numbers, true, false and null',
  inexact_number: 'is a number that JSON cannot hold exactly; send it as text',
  not_true_or_false: 'must say true or false',
  invalid_time: 'is not a date or time that exists',
  unbalanced_quotes: 'has quotes that do not match',
  wrong_number_of_fields: 'has another number of cells than the header',
  line_too_long: 'is longer than 64 KiB',
  not_storable: 'has a NUL character or half a character',
  invalid_utf8:
    'has bytes that are not of the encoding of the file; name it as charset in the content type, or save as UTF-8',
  unknown_field: 'is not a known field',
  named_twice: 'is given twice, under two names and with two values',
} as const;
export type RowReason = keyof typeof ROW_REASONS;

/** The reasons for which an optional value is left out. The row counts, and a known device keeps its value. */
export const VALUE_REASONS = {
  unknown_time_zone: 'is not a time zone of the IANA database',
  unknown_locale: 'is not a locale, as in de-DE',
  too_long: 'is too long',
  not_text: 'is not text',
  not_storable: 'has a NUL character or half a character',
  invalid_utf8: ROW_REASONS.invalid_utf8,
  invalid_time: 'is not a date or time that exists',
  ambiguous_date: 'can be read as day and month in either order; add dateOrder=mdy or dateOrder=dmy',
  in_the_future: 'lies in the future and became the time of the import',
  no_subscription_keys: 'has no keys of a web push subscription, without which nothing can be sent',
  inexact_number: 'is a number that JSON cannot hold exactly; send it as text',
  too_many: 'is beyond the number of attributes that a device can have',
  all_zeros: ROW_REASONS.all_zeros,
  not_an_id: ROW_REASONS.not_an_id,
  not_a_hash: ROW_REASONS.not_a_hash,
  attribute_not_flat: 'is not text, a number, true, false or null',
} as const;
export type ValueReason = keyof typeof VALUE_REASONS;
