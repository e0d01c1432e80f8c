"""Writing tables for other programs."""


def to_csv(header, records):
    """Return the header and the records as CSV text (RFC 4180)."""
    lines = [",".join(_quoted(name) for name in header)]
    for number, record in enumerate(records, start=1):
        if len(record) != len(header):
            raise ValueError(f"record {number} has {len(record)} fields, the header has {len(header)}")
        lines.append(",".join(_quoted(field) for field in record))
    return "".join(f"{line}\r\n" for line in lines)


def _quoted(field):
    text = "" if field is None else str(field)
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
