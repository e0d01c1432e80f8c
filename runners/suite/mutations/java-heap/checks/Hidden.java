import java.util.NoSuchElementException;
import java.util.PriorityQueue;
import java.util.Random;

public final class Hidden {
    static void check(String name, boolean good) {
        System.out.println((good ? "ok " : "not ok ") + name);
    }

    static boolean sorts(int count, int range, long seed) {
        Random random = new Random(seed);
        Heap heap = new Heap();
        PriorityQueue<Integer> model = new PriorityQueue<>();
        for (int step = 0; step < count; step++) {
            if (!model.isEmpty() && random.nextInt(3) == 0) {
                if (heap.remove() != model.remove()) {
                    return false;
                }
            } else {
                int item = random.nextInt(range) - range / 2;
                heap.add(item);
                model.add(item);
            }
            if (heap.size() != model.size()) {
                return false;
            }
        }
        while (!model.isEmpty()) {
            if (heap.remove() != model.remove()) {
                return false;
            }
        }
        return true;
    }

    static boolean manySort() {
        for (long seed = 0; seed < 200; seed++) {
            if (!sorts(60, 100, seed)) {
                return false;
            }
        }
        return true;
    }

    static boolean emptyThrows() {
        try {
            new Heap().remove();
            return false;
        } catch (NoSuchElementException error) {
            return true;
        }
    }

    static boolean descending() {
        Heap heap = new Heap();
        for (int item = 9; item > 0; item--) {
            heap.add(item);
        }
        for (int item = 1; item < 10; item++) {
            if (heap.remove() != item) {
                return false;
            }
        }
        return heap.size() == 0;
    }

    public static void main(String[] arguments) {
        check("descending", descending());
        check("against-a-model", manySort());
        check("equal-items", sorts(300, 2, 5));
        check("empty", emptyThrows());
    }
}
