package dev.holdfast.tx.testkit.report;

/** The badge for a README: the verdict, never a percentage. */
final class Badge {
    private static final int CHARACTER = 7;
    private static final int PADDING = 20;

    private Badge() {}

    static String of(Report report) {
        String left = "Holdfast";
        String right = report.claim().word() + " · " + report.server();
        int leftWidth = left.length() * CHARACTER + PADDING;
        int rightWidth = right.length() * CHARACTER + PADDING;
        String colour = switch (report.claim()) {
            case CONFORMANT -> "#1f7a3d";
            case PARTIAL -> "#946200";
            case FAILED -> "#b3261e";
        };
        return """
                <svg xmlns="http://www.w3.org/2000/svg" width="%1$d" height="20" role="img" aria-label="%2$s: %3$s">
                  <title>%2$s: %3$s</title>
                  <clipPath id="r"><rect width="%1$d" height="20" rx="3"/></clipPath>
                  <g clip-path="url(#r)">
                    <rect width="%4$d" height="20" fill="#444"/>
                    <rect x="%4$d" width="%5$d" height="20" fill="%6$s"/>
                  </g>
                  <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
                    <text x="%7$d" y="14" textLength="%8$d">%2$s</text>
                    <text x="%9$d" y="14" textLength="%10$d">%3$s</text>
                  </g>
                </svg>
                """.formatted(
                        leftWidth + rightWidth,
                        left,
                        Html.escaped(right),
                        leftWidth,
                        rightWidth,
                        colour,
                        leftWidth / 2,
                        leftWidth - PADDING,
                        leftWidth + rightWidth / 2,
                        rightWidth - PADDING);
    }
}
