import java.util.function.IntConsumer;

public final class Hidden {
    static void check(String name, boolean good) {
        System.out.println((good ? "ok " : "not ok ") + name);
    }

    static boolean refused(String text) {
        try {
            Roman.parse(text);
            return false;
        } catch (IllegalArgumentException error) {
            return error.getMessage() != null && error.getMessage().contains(String.valueOf(text));
        }
    }

    static boolean refused(int number) {
        try {
            Roman.format(number);
            return false;
        } catch (IllegalArgumentException error) {
            return true;
        }
    }

    static boolean all(String... texts) {
        for (String text : texts) {
            if (!refused(text)) {
                return false;
            }
        }
        return true;
    }

    static boolean thereAndBack() {
        for (int number = 1; number < 4000; number++) {
            if (Roman.parse(Roman.format(number)) != number) {
                return false;
            }
        }
        return true;
    }

    public static void main(String[] arguments) {
        check("values", Roman.parse("I") == 1 && Roman.parse("MMMCMXCIX") == 3999 && Roman.parse("CDXLIV") == 444);
        check("format", Roman.format(1994).equals("MCMXCIV") && Roman.format(3888).equals("MMMDCCCLXXXVIII"));
        check("there-and-back", thereAndBack());
        check("repetition", all("IIII", "VV", "XXXX", "LL", "DD", "MMMM", "CCCC"));
        check("order", all("VX", "IC", "IL", "XM", "IIV", "IXI", "XCX", "VIV"));
        check("case-and-space", all("xiv", "Xiv", " X", "X ", "X\n", ""));
        check("other-letters", all("A", "XAV", "\u2163", "0"));
        check("null", all((String) null));
        check("range", refused(0) && refused(-1) && refused(4000) && refused(Integer.MIN_VALUE));
    }
}
