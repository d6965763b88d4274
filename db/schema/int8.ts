/** bigint columns that stay far below 2^53; the driver is told to parse them as numbers. */
export type Int8 = number;
