"""Half-open intervals (start, end) over integers."""


def normalize(intervals):
    """Return the intervals sorted, without empty ones; raise ValueError where an end lies before its start."""
    kept = []
    for start, end in intervals:
        if end < start:
            raise ValueError(f"interval ({start}, {end}) ends before it starts")
        if end > start:
            kept.append((start, end))
    return sorted(kept)


def merge(intervals):
    """Return the fewest intervals that cover the same points; those that touch become one."""
    merged = []
    for start, end in normalize(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def covered(intervals):
    """Return how many points the intervals cover together."""
    return sum(end - start for start, end in merge(intervals))


def gaps(intervals):
    """Return the intervals between the first and the last point that nothing covers."""
    merged = merge(intervals)
    return [(left[1], right[0]) for left, right in zip(merged, merged[1:])]
