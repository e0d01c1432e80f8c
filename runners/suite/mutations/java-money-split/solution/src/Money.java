/** Amounts of money in cents. */
public final class Money {
    private Money() {}

    /**
     * Divides an amount over {@code people}: the parts add up to it and differ by at most one cent; the
     * larger parts come first.
     */
    public static long[] split(long cents, int people) {
        if (people <= 0) {
            throw new IllegalArgumentException("people must be positive, not " + people);
        }
        long part = Math.floorDiv(cents, (long) people);
        long rest = Math.floorMod(cents, (long) people);
        long[] parts = new long[people];
        for (int index = 0; index < people; index++) {
            parts[index] = part + (index < rest ? 1 : 0);
        }
        return parts;
    }

    /** Writes an amount with its decimals: -5 is -0.05. */
    public static String format(long cents) {
        String sign = cents < 0 ? "-" : "";
        long whole = Math.abs(cents);
        return String.format("%s%d.%02d", sign, whole / 100, whole % 100);
    }
}
