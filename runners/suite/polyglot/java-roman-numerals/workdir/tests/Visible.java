public final class Visible {
    public static void main(String[] arguments) {
        assert Roman.parse("XIV") == 14;
        assert Roman.parse("MCMXCIV") == 1994;
        boolean refused = false;
        try {
            Roman.parse("IIII");
        } catch (IllegalArgumentException error) {
            refused = true;
        }
        assert refused : "IIII is written IV";
        System.out.println("all tests passed");
    }
}
