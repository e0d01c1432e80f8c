import java.util.Arrays;
import java.util.NoSuchElementException;

/** A priority queue of ints, the smallest first. */
public final class Heap {
    private int[] items = new int[4];
    private int size;

    public int size() {
        return size;
    }

    public void add(int item) {
        if (size == items.length) {
            items = Arrays.copyOf(items, 2 * size);
        }
        int place = size++;
        while (place > 0 && items[(place - 1) / 2] > item) {
            items[place] = items[(place - 1) / 2];
            place = (place - 1) / 2;
        }
        items[place] = item;
    }

    /** Takes the smallest number out; throws NoSuchElementException where there is none. */
    public int remove() {
        if (size == 0) {
            throw new NoSuchElementException("the heap is empty");
        }
        int smallest = items[0];
        int last = items[--size];
        int place = 0;
        while (2 * place + 1 < size) {
            int child = 2 * place + 1;
            if (child + 1 < size && items[child + 1] < items[child]) {
                child++;
            }
            if (items[child] >= last) {
                break;
            }
            items[place] = items[child];
            place = child;
        }
        items[place] = last;
        return smallest;
    }
}
