import java.util.Arrays;

public final class Hidden {
    static void check(String name, boolean good) {
        System.out.println((good ? "ok " : "not ok ") + name);
    }

    static boolean fair(long cents, int people) {
        long[] parts = Money.split(cents, people);
        long sum = Arrays.stream(parts).sum();
        long most = Arrays.stream(parts).max().getAsLong();
        long least = Arrays.stream(parts).min().getAsLong();
        return parts.length == people && sum == cents && most - least <= 1 && parts[0] == most;
    }

    static boolean allFair() {
        for (long cents = -50; cents <= 50; cents++) {
            for (int people = 1; people < 12; people++) {
                if (!fair(cents, people)) {
                    return false;
                }
            }
        }
        return true;
    }

    static boolean refuses() {
        try {
            Money.split(1, 0);
            return false;
        } catch (IllegalArgumentException error) {
            return true;
        }
    }

    public static void main(String[] arguments) {
        check("refund", Arrays.equals(Money.split(-10, 3), new long[] {-3, -3, -4}));
        check("payment", Arrays.equals(Money.split(10, 3), new long[] {4, 3, 3}));
        check("even", Arrays.equals(Money.split(-9, 3), new long[] {-3, -3, -3}));
        check("all-fair", allFair());
        check("large", fair(Long.MIN_VALUE + 1, 7) && fair(Long.MAX_VALUE, 7));
        check("nobody", refuses());
        check("format", Money.format(-1234).equals("-12.34") && Money.format(7).equals("0.07"));
    }
}
