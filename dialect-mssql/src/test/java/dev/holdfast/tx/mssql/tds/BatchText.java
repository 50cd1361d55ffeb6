package dev.holdfast.tx.mssql.tds;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** The text of a batch, past the headers of its request. */
final class BatchText {
    private BatchText() {}

    static String of(byte[] request) {
        int headers = ByteBuffer.wrap(request).order(ByteOrder.LITTLE_ENDIAN).getInt();
        return new String(request, headers, request.length - headers, StandardCharsets.UTF_16LE);
    }
}
