"""Writing tables for other programs."""


def to_csv(header, records):
    """Return the header and the records as CSV text (RFC 4180)."""
    lines = [",".join(header)]
    for record in records:
        lines.append(",".join(str(field) for field in record))
    return "\n".join(lines)
