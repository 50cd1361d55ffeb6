package dev.holdfast.tx.testkit;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Says an error of a driver in other words, as a server of another language would: the same type, SQLState and codes. */
final class OtherWords {
    private OtherWords() {}

    /** A copy, made by serialization, in which every text that has a space in it is another. */
    static SQLException of(SQLException error) throws IOException, ClassNotFoundException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(error);
        }
        try (ObjectInputStream in = new Replacing(new ByteArrayInputStream(bytes.toByteArray()))) {
            return (SQLException) in.readObject();
        }
    }

    private static final class Replacing extends ObjectInputStream {
        Replacing(InputStream in) throws IOException {
            super(in);
            enableResolveObject(true);
        }

        @Override
        protected @Nullable Object resolveObject(@Nullable Object read) {
            return read instanceof String text && text.contains(" ") ? "das ging nicht; mehr ist nicht bekannt" : read;
        }
    }
}
