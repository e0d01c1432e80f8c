public final class Visible {
    public static void main(String[] arguments) {
        Heap heap = new Heap();
        for (int item : new int[] {5, 1, 4}) {
            heap.add(item);
        }
        assert heap.remove() == 1;
        assert heap.remove() == 4;
        assert heap.size() == 1;
        System.out.println("all tests passed");
    }
}
