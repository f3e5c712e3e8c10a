// Numbers as people read them.

/** A number with three significant digits, without an exponent where it can be. */
export function short(value: number | null): string {
  if (value === null) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2).replace('e+', 'e').replace('-', '−');
  const digits = Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(size))));
  return value.toFixed(digits).replace('-', '−');
}

/** Mean and standard deviation, to the digit in which the deviation begins to say something. */
export function plusMinus(mean: number | null, sd: number | null): string {
  if (mean === null) return '–';
  if (sd === null || sd === 0) return short(mean);
  const digits = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(Math.abs(sd)))));
  if (Math.abs(mean) >= 1e6 || sd < 1e-4) return `${short(mean)} ± ${short(sd)}`;
  return `${mean.toFixed(digits).replace('-', '−')} ± ${sd.toFixed(digits)}`;
}
