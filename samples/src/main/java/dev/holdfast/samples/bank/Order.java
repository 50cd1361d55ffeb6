package dev.holdfast.samples.bank;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What a customer asks for.
 *
 * @param id its number
 * @param payer the account that pays
 * @param payee the account that is paid
 * @param cents how much
 * @param voucher a code that earns the payer a bonus, once; null if the customer has none
 */
record Order(
        long id, int payer, int payee, long cents, @Nullable String voucher) {
    private static final int VOUCHERS = 40;

    /** The day's orders: always the same ones, so that runs can be compared. */
    static List<Order> of(int count) {
        Random random = new Random(1729);
        List<Order> orders = new ArrayList<>();
        for (int id = 1; id <= count; id++) {
            int[] accounts = IntStream.generate(() -> 1 + random.nextInt(Bank.CUSTOMERS))
                    .distinct()
                    .limit(2)
                    .toArray();
            int cents = 1 + random.nextInt(400_00);
            String voucher = id % 5 == 0 ? "V" + random.nextInt(VOUCHERS) : null;
            orders.add(new Order(id, accounts[0], accounts[1], cents, voucher));
        }
        return orders;
    }
}
