import java.util.Arrays;

public final class Visible {
    public static void main(String[] arguments) {
        assert Arrays.equals(Money.split(10, 3), new long[] {4, 3, 3});
        assert Arrays.equals(Money.split(9, 3), new long[] {3, 3, 3});
        assert Money.format(-5).equals("-0.05");
        System.out.println("all tests passed");
    }
}
