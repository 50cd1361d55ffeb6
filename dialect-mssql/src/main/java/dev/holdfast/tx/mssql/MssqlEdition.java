package dev.holdfast.tx.mssql;

import dev.holdfast.tx.spi.Profile;

/** What runs behind the protocol, by {@code SERVERPROPERTY('EngineEdition')}. */
enum MssqlEdition {
    SQL_SERVER("SQL Server", 1, 2, 3, 4),
    AZURE_SQL_DATABASE("Azure SQL Database", 5),
    AZURE_SQL_MANAGED_INSTANCE("Azure SQL Managed Instance", 8),
    AZURE_SQL_EDGE("Azure SQL Edge", 9),
    FABRIC_SQL_DATABASE("Fabric SQL database", 12),
    /** One that came later. It is taken for a SQL Server. */
    OTHER("SQL Server");

    final String title;

    @SuppressWarnings("ImmutableEnumChecker") // written by nobody
    private final int[] numbers;

    MssqlEdition(String title, int... numbers) {
        this.title = title;
        this.numbers = numbers;
    }

    static MssqlEdition of(int engineEdition) {
        for (MssqlEdition edition : values()) {
            for (int number : edition.numbers) {
                if (number == engineEdition) {
                    return edition;
                }
            }
        }
        return OTHER;
    }

    static MssqlEdition of(Profile profile) {
        for (MssqlEdition edition : values()) {
            if (edition.title.equals(profile.flavour())) {
                return edition;
            }
        }
        return OTHER;
    }

    /** Whether Microsoft runs it, moves it about, and throttles it. Its version says nothing: it stays at 12. */
    boolean isAzure() {
        return switch (this) {
            case AZURE_SQL_DATABASE, AZURE_SQL_MANAGED_INSTANCE, FABRIC_SQL_DATABASE -> true;
            case SQL_SERVER, AZURE_SQL_EDGE, OTHER -> false;
        };
    }
}
