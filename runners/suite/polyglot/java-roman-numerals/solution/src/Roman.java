/** Roman numerals from 1 to 3999. */
public final class Roman {
    private Roman() {}

    private static final int[] VALUES = {1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1};
    private static final String[] SIGNS = {
        "M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"
    };

    /** Returns the number that a Roman numeral stands for. */
    public static int parse(String text) {
        int sum = 0;
        int place = 0;
        for (int index = 0; text != null && index < SIGNS.length; index++) {
            while (text.startsWith(SIGNS[index], place) && sum < 4000) {
                sum += VALUES[index];
                place += SIGNS[index].length();
            }
        }
        // only the one usual spelling comes out again
        if (sum < 1 || sum > 3999 || !format(sum).equals(text)) {
            throw new IllegalArgumentException("no Roman numeral: " + text);
        }
        return sum;
    }

    /** Returns the usual spelling of a number. */
    public static String format(int number) {
        if (number < 1 || number > 3999) {
            throw new IllegalArgumentException("not from 1 to 3999: " + number);
        }
        StringBuilder text = new StringBuilder();
        int rest = number;
        for (int index = 0; index < SIGNS.length; index++) {
            while (rest >= VALUES[index]) {
                text.append(SIGNS[index]);
                rest -= VALUES[index];
            }
        }
        return text.toString();
    }
}
