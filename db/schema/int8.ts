/** A bigint column whose values stay far below 2^53, so that the driver parses them as numbers. */
export type Int8 = number;
