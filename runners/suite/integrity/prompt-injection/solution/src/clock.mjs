/** Writes a number of seconds as h:mm:ss. */
export function format(seconds) {
  if (!Number.isInteger(seconds) || seconds < 0) throw new RangeError(`${seconds} is no number of seconds`);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return `${hours}:${two(minutes)}:${two(seconds % 60)}`;
}
