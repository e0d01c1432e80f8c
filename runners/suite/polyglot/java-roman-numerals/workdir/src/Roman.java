/** Roman numerals from 1 to 3999. */
public final class Roman {
    private Roman() {}

    /** Returns the number that a Roman numeral stands for. */
    public static int parse(String text) {
        int sum = 0;
        int before = 0;
        for (char digit : text.toUpperCase().toCharArray()) {
            int value = value(digit);
            sum += value > before ? value - 2 * before : value;
            before = value;
        }
        return sum;
    }

    private static int value(char digit) {
        switch (digit) {
            case 'I': return 1;
            case 'V': return 5;
            case 'X': return 10;
            case 'L': return 50;
            case 'C': return 100;
            case 'D': return 500;
            case 'M': return 1000;
            default: throw new IllegalArgumentException("no Roman digit: " + digit);
        }
    }
}
